"""A throw-away Slurm cluster of three nodes on this machine; needs root, and Debian's packages of Slurm."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

NETWORK = "fd01-nodes"  # the network of the nodes: it leads to the controller and nowhere else
CONTROLLER, NODES = "198.51.100.1", "198.51.100.2"  # addresses reserved for examples
PORTS = {"cpu1": 16821, "cpu2": 16822, "gpu1": 16823}
PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sinfo", "ip", "nsenter", "unshare", "setpriv")

# Partitions are named as in profiles/slurm. What the nodes claim to have lets that profile's requests in.
CONF = """
ClusterName=throwaway
SlurmctldHost={host}({controller})
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge.socket
SlurmctldPort=16817
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdParameters=config_overrides
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=bf_interval=1,sched_interval=5,batch_sched_delay=0,sched_min_interval=0
ReturnToService=2
MinJobAge=7200
KillWait=1
SlurmdTimeout=10
GresTypes=gpu
NodeName=cpu1 Port={cpu1} {machine} Feature=steady
NodeName=cpu2 Port={cpu2} {machine} Feature=doomed
NodeName=gpu1 Port={gpu1} {machine} Gres=gpu:1
PartitionName=cpu Nodes=cpu[1-2] Default=YES
PartitionName=gpu Nodes=gpu1
"""


class Cluster:
    """The cluster in `folder`, until its `with` block ends.

    Attributes
    ----------
    environment : variables under which Slurm's commands speak to this cluster
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        # Snakemake's job steps drop SLURM_CONF before they call srun.
        srun = self.folder / "bin" / "srun"
        conf = self.folder / "slurm.conf"
        srun.parent.mkdir(parents=True)
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        host = socket.gethostname().split(".")[0]
        machine = f"NodeHostname={host} NodeAddr={NODES} CPUs=32 RealMemory=64000"
        conf.write_text(CONF.format(folder=self.folder, host=host, controller=CONTROLLER, machine=machine, **PORTS))
        (self.folder / "gres.conf").write_text("NodeName=gpu1 Name=gpu File=/dev/zero\n")
        (self.folder / "state").mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(1024))
        (self.folder / "munge.key").chmod(0o600)
        self.environment = {"SLURM_CONF": str(conf), "PATH": f"{srun.parent}{os.pathsep}{os.environ['PATH']}"}
        self._services, self._nodes = [], {}

    def __enter__(self):
        try:
            _connect()
            files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid"}
            files |= {"seed-file": "munge.seed", "log-file": "munge.log"}
            options = [f"--{option}={self.folder / name}" for option, name in files.items()]
            self._services.append(self._start("munged", "--foreground", "--force", *options))
            self._services.append(self._start("slurmctld", "-D", "-i"))
            for node in PORTS:
                self.boot(node)
            self._wait_until_idle()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in list(self._nodes):
            self.crash(node)
        for service in reversed(self._services):
            service.kill()
            service.wait()
        _disconnect()

    def boot(self, node):
        """Switch a node on."""
        # Process 1 of a new namespace: with it die its jobs, as in a power cut.
        there = ["nsenter", f"--net=/run/netns/{NETWORK}", "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        (self.folder / f"spool.{node}").mkdir(exist_ok=True)
        self._nodes[node] = self._start(*there, "slurmd", "-D", "-N", node)

    def crash(self, node):
        """Cut a node's power."""
        process = self._nodes.pop(node)
        process.kill()
        process.wait()

    def call(self, *command):
        """What one of Slurm's commands prints."""
        done = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def jobs(self):
        """Every job so far, in the order of submission: dicts of the fields of `squeue --Format`.

        Slurm forgets a job `MinJobAge` after its end, which here is longer than any run of the tests.
        """
        fields = ["jobid", "comment", "state", "nodelist", "minmemory", "tres-per-job"]
        columns = ",".join(f"{field}:|" for field in fields)
        listing = self.call("squeue", "--noheader", "--states=all", "--sort=i", "--Format", columns)
        return [dict(zip(fields, line.split("|"))) for line in listing.splitlines()]

    def _start(self, *command):
        # With a killed test run its daemons die too: their ports are fixed.
        mortal = ["setpriv", "--pdeathsig", "KILL", *command]
        with (self.folder / "daemons.log").open("a") as log:
            return subprocess.Popen(mortal, env=os.environ | self.environment, stdout=log, stderr=log)

    def _wait_until_idle(self, patience=30):
        end, listing = time.monotonic() + patience, ["sinfo", "--noheader", "--Node", "--format=%T"]
        while time.monotonic() < end:
            # It fails as long as the controller is not up.
            done = subprocess.run(listing, env=os.environ | self.environment, capture_output=True, text=True)
            states = done.stdout.split()
            if states == ["idle"] * len(PORTS):
                return
            time.sleep(0.2)
        raise TimeoutError(f"the nodes are {states} after {patience} s\n{(self.folder / 'daemons.log').read_text()}")


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def _connect():
    _disconnect()
    _ip("netns", "add", NETWORK)
    _ip("link", "add", "fd01-login", "type", "veth", "peer", "name", "fd01-node", "netns", NETWORK)
    _ip("address", "add", f"{CONTROLLER}/30", "dev", "fd01-login")
    _ip("link", "set", "fd01-login", "up")
    _ip("-netns", NETWORK, "address", "add", f"{NODES}/30", "dev", "fd01-node")
    for device in ("lo", "fd01-node"):
        _ip("-netns", NETWORK, "link", "set", device, "up")


def _disconnect():
    if Path("/run/netns", NETWORK).exists():  # also one of a run that was killed
        _ip("netns", "delete", NETWORK)
