#!/usr/bin/python3
"""A long way to a server: a TCP proxy whose bytes arrive late.

  delay.py --to PORT --rtt MS [--window BYTES] [--cut BYTES] [--seed N] --folder DIR

Listens on 127.0.0.1; DIR/port gets the port, DIR/connections the number of all so far. Each byte
takes half of the round trip in each direction, and no more than WINDOW bytes of a connection are
on their way in one direction, as with TCP over such a way. With --cut each connection breaks, without a word, after a random number
of bytes up to that many that came back. Ends with SIGTERM.
"""
import argparse
import asyncio
import pathlib
import random
import signal


class Direction:
    """Bytes of one connection one way."""
    def __init__(self, reader, writer, delay, window, most=None):
        self.reader, self.writer = reader, writer
        self.delay, self.window = delay, window
        self.most = most  # bytes; then the connection breaks
        self.under_way = 0
        self.room = asyncio.Event()
        self.queue = asyncio.Queue()

    async def take(self):
        loop = asyncio.get_running_loop()
        try:
            while True:
                while self.under_way >= self.window:
                    self.room.clear()
                    await self.room.wait()
                data = await self.reader.read(self.window - self.under_way)
                self.under_way += len(data)
                self.queue.put_nowait((loop.time() + self.delay, data))
                if not data:
                    return
        except ConnectionError:
            self.queue.put_nowait((0, b""))

    async def give(self):
        loop = asyncio.get_running_loop()
        try:
            while True:
                due, data = await self.queue.get()
                wait = due - loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                if not data:
                    break
                if self.most is not None:
                    data = data[:self.most]
                    self.most -= len(data)
                self.writer.write(data)
                await self.writer.drain()
                if self.most == 0:
                    self.writer.transport.abort()
                    return
                self.under_way -= len(data)
                self.room.set()
            self.writer.write_eof()
        except (ConnectionError, OSError):
            pass


def write_line(path, text):
    new = path.with_suffix(".new")
    new.write_text(f"{text}\n", encoding="ascii")
    new.rename(path)


async def serve(args):
    folder = pathlib.Path(args.folder)
    dice = random.Random(args.seed)
    count = 0

    async def connect(reader, writer):
        nonlocal count
        count += 1
        write_line(folder / "connections", count)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", args.to)
        except OSError:
            writer.close()
            return
        there = Direction(reader, far_writer, args.rtt / 2000, args.window)
        back = Direction(far_reader, writer, args.rtt / 2000, args.window,
                         dice.randint(1, args.cut) if args.cut else None)
        takers = [asyncio.ensure_future(there.take()), asyncio.ensure_future(back.take())]
        await asyncio.gather(there.give(), back.give())
        for task in takers:
            task.cancel()
        writer.close()
        far_writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0, limit=1 << 20)
    write_line(folder / "port", server.sockets[0].getsockname()[1])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--rtt", type=float, required=True, help="milliseconds")
    parser.add_argument("--window", type=int, default=256 << 10)
    parser.add_argument("--cut", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", required=True)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
