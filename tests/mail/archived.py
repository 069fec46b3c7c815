#!/usr/bin/env python3
"""Turn what "mailcask search --json" prints into the lines that compare.py takes.

  mailcask search '*' --limit 0 --no-snippet --json | archived.py [--account NAME] [--state present]

One line for each place of each message: folder, uid, uidvalidity, flags, internaldate, sha256.
"""
import argparse
import json
import sys

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--account")
parser.add_argument("--state", default="present")
options = parser.parse_args()

for line in sys.stdin:
    message = json.loads(line)
    for place in message["places"]:
        if options.account and place["account"] != options.account:
            continue
        if place["state"] not in options.state.split(","):
            continue
        print(json.dumps({
            "folder": place["folder"],
            "uid": place["uid"],
            "uidvalidity": place["uidvalidity"],
            "flags": sorted(place["flags"]),
            "internaldate": place["date"],
            "sha256": message["id"],
            "size": message["size"],
        }, sort_keys=True))
