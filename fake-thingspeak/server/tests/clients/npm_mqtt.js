// The npm package `mqtt` (MQTT.js) as it is published, over WebSockets, as pages have it in a browser.
//
// Arguments: the address, the authority's certificate (or `-` for none), a channel, the device that publishes (client,
// user, password), and another device that listens.
'use strict';

const assert = require('assert');
const fs = require('fs');
const { once } = require('events');
const mqtt = require('mqtt');

const [address, authority, channel, ...devices] = process.argv.slice(2);

const ca = authority === '-' ? undefined : fs.readFileSync(authority);
const device = ([clientId, username, password]) =>
    mqtt.connectAsync(address, { clientId, username, password, ca, reconnectPeriod: 0 });

async function main() {
    const listener = await device(devices.slice(3));
    const feed = `channels/${channel}/subscribe`;
    const granted = await listener.subscribeAsync([feed, `${feed}/fields/field1`]);
    assert.deepStrictEqual(granted.map(({ topic, qos }) => [topic, qos]), [[feed, 0], [`${feed}/fields/field1`, 0]]);
    const heard = new Promise((resolve) => {
        const messages = {};
        listener.on('message', (topic, payload) => {
            messages[topic] = payload.toString();
            if (Object.keys(messages).length === 2) {
                resolve(messages);
            }
        });
    });

    const publisher = await device(devices.slice(0, 3));
    await publisher.publishAsync(`channels/${channel}/publish`, 'field1=21.5&field2=45.6&status=caf%C3%A9');
    const messages = await heard;
    assert.strictEqual(messages[`${feed}/fields/field1`], '21.5');
    const entry = JSON.parse(messages[feed]);
    assert.deepStrictEqual([entry.entry_id, entry.field2, entry.status], [1, '45.6', 'café']);

    const gone = once(publisher, 'close');
    await publisher.endAsync();
    await gone;
    await assert.rejects(device([...devices.slice(0, 2), 'wrong']), { code: 4 });
    await listener.endAsync();
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
