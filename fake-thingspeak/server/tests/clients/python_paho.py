"""The Python package `paho-mqtt` as it is published, as devices in the field use it with ThingSpeak.

Arguments: `tcp` or `websockets`, host, port, the authority's certificate (or `-` for none), a channel, its write key's device (client, user,
password), and another device to watch it.
"""

import json
import queue
import sys

import paho.mqtt.client as mqtt

transport, host, port, authority, channel, *devices = sys.argv[1:]
PATIENCE = 20


def connected(client_id, user, password):
    """A connected client, and what comes in on it."""
    messages = queue.Queue()
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311, transport=transport
    )
    client.username_pw_set(user, password)
    if authority != "-":
        client.tls_set(ca_certs=authority)
    client.on_connect = lambda client, data, flags, reason, properties: messages.put(str(reason))
    client.on_disconnect = lambda client, data, flags, reason, properties: messages.put("gone")
    client.on_subscribe = lambda client, data, mid, reasons, properties: messages.put([code.value for code in reasons])
    client.on_message = lambda client, data, message: messages.put((message.topic, message.payload.decode()))
    client.connect(host, int(port), keepalive=30)
    client.loop_start()
    return client, messages


publisher, about_publisher = connected(*devices[:3])
watcher, about_watcher = connected(*devices[3:])
assert about_publisher.get(timeout=PATIENCE) == "Success"
assert about_watcher.get(timeout=PATIENCE) == "Success"

feed = f"channels/{channel}/subscribe"
watcher.subscribe([(feed, 0), (f"{feed}/fields/+", 0), ("channels/1/subscribe", 0)])
# The last is no channel.
assert about_watcher.get(timeout=PATIENCE) == [0, 0, 128]

publisher.publish(f"channels/{channel}/publish", "field1=21.5&field2=45.6&status=caf%C3%A9+%26+co", qos=0)
messages = dict(about_watcher.get(timeout=PATIENCE) for _ in range(3))
assert messages.pop(f"{feed}/fields/field1") == "21.5", messages
assert messages.pop(f"{feed}/fields/field2") == "45.6", messages
entry = json.loads(messages.pop(feed))
assert entry["channel_id"] == int(channel) and entry["entry_id"] == 1, entry
assert (entry["field1"], entry["field2"], entry["status"]) == ("21.5", "45.6", "café & co"), entry
assert not messages and about_watcher.empty()

watcher.unsubscribe(feed)
# A device that comes a second time takes the place of the first.
again, about_again = connected(*devices[:3])
assert about_again.get(timeout=PATIENCE) == "Success"
assert about_publisher.get(timeout=PATIENCE) == "gone"
publisher.loop_stop()

wrong, about_wrong = connected(*devices[3:5], "wrong")
assert about_wrong.get(timeout=PATIENCE) == "Bad user name or password"
for client in [wrong, again, watcher]:
    client.disconnect()
    client.loop_stop()
