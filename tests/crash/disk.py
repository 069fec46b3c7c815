"""What a disk may hold after the power went: made from the log that steps.so writes.

What a program wrote is on the disk for certain only after fsync or fdatasync of the file, a name
only after fsync of its folder. Of everything else any part may be there, in any order. A Disk is
what was there in the beginning (all of it durable), step by step further.
"""
import os
import pathlib
import random

PAGE = 4096


class File:
    def __init__(self, content=b""):
        self.content = bytearray(content)
        self.durable = bytes(content)
        self.pending = []  # (offset, data) or (bytes, None) for a cut, since the last sync

    def write(self, at, data):
        end = at + len(data)
        if len(self.content) < end:
            self.content.extend(bytes(end - len(self.content)))
        self.content[at:end] = data
        self.pending.append((at, data))

    def cut(self, length):
        change(self.content, length)
        self.pending.append((length, None))

    def sync(self):
        self.durable = bytes(self.content)
        self.pending = []

    def some(self, dice):
        """The durable bytes, and by chance some pages of what came later."""
        content = bytearray(self.durable)
        for at, data in self.pending:
            if data is None:
                if dice.random() < 0.5:
                    change(content, at)
                continue
            for start in range(0, len(data), PAGE):
                if dice.random() < 0.5:
                    continue
                page = data[start:start + PAGE]
                if len(content) < at + start:
                    content.extend(bytes(at + start - len(content)))
                content[at + start:at + start + len(page)] = page
        return bytes(content)


def change(content, length):
    if length < len(content):
        del content[length:]
    else:
        content.extend(bytes(length - len(content)))


class Folder:
    def __init__(self):
        self.names = {}
        self.durable = {}

    def sync(self):
        self.durable = dict(self.names)

    def some(self, dice):
        names = {}
        for name in sorted(set(self.names) | set(self.durable)):
            source = self.names if dice.random() < 0.5 else self.durable
            if name in source:
                names[name] = source[name]
        return names


class Disk:
    def __init__(self, root, folder=None):
        self.root = str(root)
        self.top = Folder()
        if folder:
            self._load(folder, self.top)
        self.exists = folder is not None

    def _load(self, path, folder):
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            if entry.is_dir():
                self._load(entry.path, folder.names.setdefault(entry.name, Folder()))
            else:
                folder.names[entry.name] = File(pathlib.Path(entry.path).read_bytes())
        folder.sync()

    def _find(self, path):
        """The folder that holds a path, and the last name."""
        parts = path[len(self.root):].strip("/").split("/")
        folder = self.top
        for part in parts[:-1]:
            folder = folder.names[part]
        return folder, parts[-1]

    def _get(self, path):
        if path == self.root:
            return self.top
        folder, name = self._find(path)
        return folder.names[name]

    def apply(self, step):
        if not step.path.startswith(self.root) or step.path.endswith("-shm"):
            return
        if step.op == "mkdir":
            if step.path == self.root:
                self.exists = True
                return
            folder, name = self._find(step.path)
            folder.names[name] = Folder()
        elif step.op == "make":
            folder, name = self._find(step.path)
            folder.names[name] = File()
        elif step.op == "write":
            self._get(step.path).write(step.at, step.data)
        elif step.op == "cut":
            self._get(step.path).cut(step.at)
        elif step.op == "sync":
            self._get(step.path).sync()
        elif step.op == "unlink":
            folder, name = self._find(step.path)
            del folder.names[name]
        elif step.op == "rename":
            folder, name = self._find(step.path)
            to, to_name = self._find(step.other)
            to.names[to_name] = folder.names.pop(name)
        else:
            raise ValueError(step.op)

    def make(self, target, kind, seed=0):
        """Write a state below target. kind: "all" as the program saw it; "synced" only what is
        certain; "names" all names, but only the bytes that are certain; "bytes" the other way
        round; "some" anything in between."""
        dice = random.Random(seed)
        if self.exists:
            self._make(pathlib.Path(target), self.top, kind, dice)

    def _make(self, target, folder, kind, dice):
        target.mkdir(mode=0o700)
        if kind == "some":
            names = folder.some(dice)
        else:
            names = folder.names if kind in ("all", "names") else folder.durable
        for name, entry in names.items():
            if isinstance(entry, Folder):
                self._make(target / name, entry, kind, dice)
                continue
            if kind == "some":
                content = entry.some(dice)
            else:
                content = entry.content if kind in ("all", "bytes") else entry.durable
            (target / name).write_bytes(content)


class Step:
    def __init__(self, number, op, at, path, other, data):
        self.number, self.op, self.at = number, op, at
        self.path, self.other, self.data = path, other, data

    def name(self, root):
        path = self.path[len(root) + 1:] or "."
        return f"{self.op} {path}"


def read_steps(path):
    log = pathlib.Path(path).read_bytes()
    steps, at = [], 0
    while at < len(log):
        end = log.index(b"\n", at)
        number, op, offset, count, paths = log[at:end].decode().split(" ", 4)
        first, _, other = paths.partition("\t")
        at = end + 1
        data = log[at:at + int(count)]
        at += int(count)
        steps.append(Step(int(number), op, int(offset), first, other, data))
    return steps
