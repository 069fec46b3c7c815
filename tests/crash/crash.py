#!/usr/bin/python3
"""Stop mailcask at every step that changes its archive, and see that the next run goes on.

  crash.py --mailcask PROGRAM --steps steps.so --work FOLDER --jobs FILE [--every N] [--seed N]
      [--modes kill,torn,power,fault,memory] [--workers 2]

A job is a line of JSON: name, base (an archive to begin with, or null), command (a list),
config (a settings file: ARCHIVE stands for the archive's path), expected (a manifest of what a sync
must have archived in the end), done (the same for what the command has done; expected when left
out).

Each job runs once to its end, recorded. Then, for every step (or every Nth, from a random one on):

  kill    it runs again and is killed before that step
  torn    ... in the middle of that write
  power   the disk as it may be when the power goes there: only what is certain; all names
          but only certain bytes; the other way round; two mixtures by chance
  fault   it runs again and the step fails: EIO, ENOSPC, a full disk from there on, a write that
          is cut short
  memory  it runs again and the Nth request for memory is refused

and each time: what was committed by then is there; a clean sync ends well; the archive then holds
exactly what is expected, nothing twice; verify is clean; another sync changes nothing. A command
that failed said why and with the right exit status; one that said "done" was.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import queue
import random
import re
import shutil
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
import disk

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNPACK = ROOT / "tests/golden/unpack.py"
ARCHIVED = ROOT / "tests/mail/archived.py"
COMPARE = ROOT / "tests/mail/compare.py"
NO_MEMORY = 70


class Wrong(Exception):
    pass


class Job:
    def __init__(self, line, options):
        given = json.loads(line)
        self.name, self.base = given["name"], given["base"]
        self.command = given["command"]
        self.expected, self.done = given["expected"], given.get("done", given["expected"])
        self.config = pathlib.Path(given["config"]).read_text(encoding="utf-8")
        self.options = options
        self.steps, self.commits = [], []
        self.root = ""


class Ground:
    """A folder to work in: one archive, and what is run on it."""
    def __init__(self, job, number):
        self.job = job
        self.folder = pathlib.Path(job.options.work) / f"ground{number}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.archive = self.folder / "archive"
        self.config = self.folder / "config"
        self.config.write_text(job.config.replace("ARCHIVE", str(self.archive)), encoding="utf-8")

    def begin(self):
        shutil.rmtree(self.archive, ignore_errors=True)
        if self.job.base:
            shutil.copytree(self.job.base, self.archive)

    def run(self, *command, **settings):
        env = dict(os.environ)
        if settings:
            env["LD_PRELOAD"] = self.job.options.steps
            env["STEPS_UNDER"] = str(self.archive)
            env.update({f"STEPS_{name}": str(value) for name, value in settings.items()})
        return subprocess.run([self.job.options.mailcask, "-c", self.config, *command], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)

    def clean(self, *command):
        done = self.run(*command)
        if done.returncode != 0:
            raise Wrong(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}")
        return done.stdout

    def digest(self):
        digest = hashlib.sha256()
        for path in sorted((self.archive / "segments").iterdir()):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.digest()

    def stored(self):
        """The ids of the messages that the segments hold, told by the second reader."""
        if not any(self.archive.glob("segments/*.tar.zst")):
            return set()
        done = subprocess.run([UNPACK, self.archive, "--json"], capture_output=True, text=True,
                              check=False)
        return {json.loads(line)["id"] for line in done.stdout.splitlines()}

    def check_content(self, expected):
        found = self.clean("search", "*", "--limit", "0", "--no-snippet", "--json", "-q")
        archived = self.folder / "archived"
        archived.write_text(subprocess.run([ARCHIVED], input=found, capture_output=True, text=True,
                                           check=True).stdout, encoding="utf-8")
        done = subprocess.run([COMPARE, archived, expected], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Wrong("not what is expected:\n" + done.stdout[:2000])

    def check_once(self):
        names = []
        for path in (self.archive / "segments").glob("*.tar.zst"):
            done = subprocess.run(["tar", "--zstd", "-tf", path], capture_output=True, text=True,
                                  check=False)
            names += [name for name in done.stdout.split() if not name.startswith("log/")]
        if len(names) != len(set(names)):
            raise Wrong("something is stored twice")

    def check_recovery(self, committed):
        """All that must hold after whatever happened."""
        lost = committed - self.stored()
        if lost:
            raise Wrong(f"{len(lost)} committed messages are lost")
        self.clean("sync", "-q")
        self.check_content(self.job.expected)
        self.check_once()
        self.clean("verify", "-q")
        before = self.digest()
        self.clean("sync", "-q")
        if self.digest() != before:
            raise Wrong("one more sync changes the archive")


def record(job, ground):
    log = ground.folder / "steps"
    ground.begin()
    done = ground.run(*job.command, LOG=log)
    if done.returncode != 0:
        raise Wrong(f"{job.name}: status {done.returncode}\n{done.stderr}")
    job.root = str(ground.archive)
    job.steps = disk.read_steps(log)
    if not job.steps:
        raise Wrong(f"{job.name}: no steps were recorded")


def states(job):
    """The disk before each step, one after the other."""
    state = disk.Disk(job.root, job.base)
    number = 0
    for step in job.steps:
        if step.number != number:
            number = step.number
            yield number, state
        state.apply(step)
    yield number + 1, state


def find_commits(job, ground):
    """From which step on which messages are committed: once the catalogue is told of them."""
    changed = False
    before = set()
    state = disk.Disk(job.root, job.base)
    if job.base:
        ground.begin()
        before = ground.stored()
    job.commits = [(0, before)]
    for step in job.steps:
        if "/segments/" in step.path:
            changed = True
        elif changed and step.op == "write" and step.path.endswith("catalog.db-wal"):
            shutil.rmtree(ground.archive, ignore_errors=True)
            state.make(ground.archive, "all")
            job.commits.append((step.number, ground.stored()))
            changed = False
        state.apply(step)


def committed(job, number):
    return [ids for first, ids in job.commits if first <= number][-1]


def check_failed(done):
    if done.returncode < 0:
        raise Wrong(f"died by signal {-done.returncode}\n{done.stderr}")
    if not 1 <= done.returncode <= 5 and done.returncode != NO_MEMORY:
        raise Wrong(f"ended with status {done.returncode}\n{done.stderr}")
    if not done.stderr.strip():
        raise Wrong(f"status {done.returncode}, but nothing was said")


def crash(ground, job, number, action):
    ground.begin()
    done = ground.run(*job.command, AT=number, DO=action)
    if done.returncode >= 0 and action == "kill":
        raise Wrong(f"was not killed: status {done.returncode}")
    ground.check_recovery(committed(job, number))


def fault(ground, job, number, action):
    ground.begin()
    done = ground.run(*job.command, AT=number, DO=action)
    if done.returncode == 0:
        ground.check_content(job.done)
    else:
        check_failed(done)
    ground.check_recovery(committed(job, number))


def memory(ground, job, number):
    ground.begin()
    done = ground.run(*job.command, MEMORY=number)
    # GLib ends the process itself when it gets no memory; it says so.
    if done.returncode == 0:
        ground.check_content(job.done)
    elif done.returncode not in (-5, -6) or "GLib" not in done.stderr:
        check_failed(done)
    ground.check_recovery(committed(job, 0))


def power(ground, job, number, folder):
    shutil.rmtree(ground.archive, ignore_errors=True)
    if folder.exists():
        shutil.move(folder, ground.archive)
    ground.check_recovery(committed(job, number))


class Campaign:
    def __init__(self, options, job):
        self.options, self.job = options, job
        self.grounds = queue.Queue()
        for number in range(options.workers):
            self.grounds.put(Ground(job, number))
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def one(self, name, check, *args):
        ground = self.grounds.get()
        try:
            check(ground, self.job, *args)
            with self.lock:
                self.passed += 1
        except (Wrong, OSError, subprocess.SubprocessError, ValueError) as wrong:
            kept = pathlib.Path(self.options.work) / "failed" / re.sub(r"\W+", "-", name)
            shutil.rmtree(kept, ignore_errors=True)
            if ground.archive.exists():
                shutil.copytree(ground.archive, kept)
            with self.lock:
                self.failed += 1
                print(f"not ok - {name}: {wrong}", flush=True)
        finally:
            self.grounds.put(ground)

    def cases(self):
        options, job, dice = self.options, self.job, random.Random(self.options.seed)
        modes = options.modes.split(",")
        by_number = {step.number: step for step in job.steps}
        first = dice.randrange(options.every)
        for index, (number, state) in enumerate(states(job)):
            if index % options.every != first or number not in by_number:
                continue
            step = by_number[number]
            name = f"{job.name}: {{}} at step {number}, {step.name(job.root)}"
            if "kill" in modes:
                yield name.format("kill"), crash, number, "kill"
            if "torn" in modes and len(step.data) > 1:
                yield name.format("torn"), crash, number, "torn"
            if "fault" in modes:
                for action in ("EIO", "ENOSPC", "full", "short"):
                    if action != "short" or step.op == "write":
                        yield name.format(action), fault, number, action
            if "power" in modes:
                for kind in ("synced", "names", "bytes", "some", "some2"):
                    folder = pathlib.Path(options.work) / "states" / f"{number}.{kind}"
                    folder.parent.mkdir(exist_ok=True)
                    shutil.rmtree(folder, ignore_errors=True)
                    state.make(folder, kind.rstrip("2"), f"{options.seed} {number} {kind}")
                    yield name.format("power, " + kind), power, number, folder
        if "memory" in modes:
            for number in memory_requests(self.job, dice, options.requests):
                yield f"{job.name}: no memory at request {number}", memory, number

    def run(self):
        ground = self.grounds.get()
        record(self.job, ground)
        find_commits(self.job, ground)
        self.grounds.put(ground)
        with concurrent.futures.ThreadPoolExecutor(self.options.workers) as pool:
            running = set()
            for name, check, *args in self.cases():
                if len(running) > 4 * self.options.workers:
                    _, running = concurrent.futures.wait(
                        running, return_when=concurrent.futures.FIRST_COMPLETED)
                running.add(pool.submit(self.one, name, check, *args))
        kinds = {step.name(self.job.root) for step in self.job.steps}
        print(f"ok - {self.job.name}: {len({s.number for s in self.job.steps})} steps of "
              f"{len(kinds)} kinds, {len(self.job.commits) - 1} commits: {self.passed} passed, "
              f"{self.failed} failed", flush=True)


def memory_requests(job, dice, count):
    """Numbers of requests: the first ones each, then fewer and fewer."""
    number = 1
    for _ in range(count):
        yield number
        number += 1 + dice.randrange(1 + number // 8)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("mailcask", "steps", "work", "jobs"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--modes", default="kill,torn,power,fault,memory")
    options = parser.parse_args()
    passed = failed = 0
    for line in pathlib.Path(options.jobs).read_text(encoding="utf-8").splitlines():
        campaign = Campaign(options, Job(line, options))
        campaign.run()
        passed += campaign.passed
        failed += campaign.failed
    print(f"crash: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
