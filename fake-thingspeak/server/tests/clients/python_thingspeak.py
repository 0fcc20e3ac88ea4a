"""The Python package `thingspeak` as it is published, against the server that the arguments name.

Arguments: the server, a public channel, its write key, a private channel, its write key, its read key.
"""

import json
import sys
import time
import xml.etree.ElementTree as ET

import requests
import thingspeak

server, channel, write_key, private, private_write_key, private_read_key = sys.argv[1:]


def at(number, key=None, fmt="json"):
    return thingspeak.Channel(number, api_key=key, fmt=fmt, timeout=20, server_url=server)


def refused(status, body, call):
    """Whether `call` fails with this status and body."""
    try:
        answer = call()
    except requests.HTTPError as error:
        seen = (error.response.status_code, error.response.text)
        assert seen == (status, body) or (seen[0] == status and body is None), seen
    else:
        raise AssertionError(f"not refused: {answer}")


# The package gives back text, whatever the format: it compares `.json` with `json`.
entry = json.loads(at(channel, write_key).update({"field1": 21.5, "field2": "45,6", "status": "café & co = 100 %"}))
assert entry["channel_id"] == int(channel) and entry["entry_id"] == 1, entry
assert entry["field1"] == "21.5" and entry["field2"] == "45,6" and entry["field8"] is None, entry
assert entry["status"] == "café & co = 100 %", entry
# A second one within 15 s is no error of HTTP: the body says so.
assert at(channel, write_key).update({"field1": 22}) == "0"

feeds = json.loads(at(channel).get({"results": 10, "status": "true"}))
assert feeds["channel"]["id"] == int(channel) and feeds["channel"]["last_entry_id"] == 1, feeds
assert [(feed["entry_id"], feed["field1"], feed["status"]) for feed in feeds["feeds"]] == [(1, "21.5", entry["status"])]
field = json.loads(at(channel).get_field(1, {"days": 1}))
assert field["channel"]["field1"] == "temperature" and "field2" not in field["channel"], field
assert field["feeds"] == [{"created_at": entry["created_at"], "entry_id": 1, "field1": "21.5"}], field
assert json.loads(at(channel).get_field_last(1)) == field["feeds"][0]
age = json.loads(at(channel).get_last_data_age(1))
assert 0 <= int(age["last_data_age"]) < 60, age
view = json.loads(at(channel).view())
assert view["id"] == int(channel) and "api_keys" not in view, view

root = ET.fromstring(at(channel, fmt="xml").get())
assert (root.tag, root.findtext("id"), root.findtext("feeds/feed/field1")) == ("channel", channel, "21.5")
assert ET.fromstring(at(channel, fmt="xml").get_field_last(1)).findtext("field1") == "21.5"
assert ET.fromstring(at(channel, fmt="xml").view()).findtext("id") == channel
# No ending to the path.
assert at(channel, fmt="txt").get_field_last(1) == "21.5"

# A private channel: its keys, no key, and keys that do not fit.
assert at(private, private_write_key, "txt").update({"field1": 1}) == "1"
for key in [private_read_key, private_write_key]:
    assert json.loads(at(private, key).get())["feeds"][0]["field1"] == "1"
    assert at(private, key, "txt").get_field_last(1) == "1"
    assert json.loads(at(private, key).view())["id"] == int(private)
for key in [None, write_key, "ABCDEFGHIJKLMNOP"]:
    refused(400, "-1", lambda: at(private, key).get())
refused(401, None, lambda: at(private, private_read_key).update({"field1": 2}))
refused(404, None, lambda: at("1", "ABCDEFGHIJKLMNOP").get())
