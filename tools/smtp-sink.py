"""An SMTP server for tests: takes letters and tells each as one line of JSON. It listens on a free
port, which is its first line, and ends when its input does. What it does from now on is told to it
by words, one a line: `take`, `later` (451), `never` (550), `hang`."""

import asyncio
import json
import sys

from aiosmtpd.smtp import SMTP


class Sink:
    mode = "take"

    async def handle_DATA(self, server, session, envelope):
        if self.mode == "later":
            return "451 not now"
        if self.mode == "never":
            return "550 not here"
        if self.mode == "hang":
            await asyncio.sleep(3600)
        letter = {"from": envelope.mail_from, "to": envelope.rcpt_tos,
                  "data": envelope.content.decode("utf8", "replace")}
        print(json.dumps(letter), flush=True)
        return "250 taken"


async def main():
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, hostname="sink", loop=loop), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        sink.mode = line.decode().strip()
        print(json.dumps({"mode": sink.mode}), flush=True)


asyncio.run(main())
