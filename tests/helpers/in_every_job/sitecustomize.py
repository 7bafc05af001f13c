"""What every Python process does first that has this folder on PYTHONPATH, as the jobs of the tests have."""

from loaded_modules import note_at_exit
from tiny_timesfm import shrink_once_imported

shrink_once_imported()
note_at_exit()
