"""What every Python process does first that has this folder on PYTHONPATH, as the jobs of the tests have."""

from loaded_modules import write_at_exit
from tiny_timesfm import shrink_once_imported

shrink_once_imported()
write_at_exit()
