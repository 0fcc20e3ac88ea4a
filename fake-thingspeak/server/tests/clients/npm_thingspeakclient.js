// The npm package `thingspeakclient` as it is published, against the server that the arguments name.
//
// Arguments: the server, a public channel, its write key, a private channel, its write key, its read key.
'use strict';

const assert = require('assert');
const ThingSpeakClient = require('thingspeakclient');

const [server, channel, writeKey, privateChannel, privateWriteKey, privateReadKey] = process.argv.slice(2);
const [number, privateNumber] = [Number(channel), Number(privateChannel)];

const call = (client, method, ...args) =>
    new Promise((resolve, reject) =>
        client[method](...args, (error, answer) => (error ? reject(error) : resolve(answer))));

async function main() {
    // The client keeps 15 s between writes itself; the server's clock starts later than the client's.
    const client = new ThingSpeakClient({ server, updateTimeout: 15500 });
    await call(client, 'attachChannel', number, { writeKey });
    const writes = [1, 2].map((value) => call(client, 'updateChannel', number, { field1: value, status: 'a&b=ü' }));
    assert.deepStrictEqual(await Promise.all(writes), ['1', '2']);

    const feeds = await call(client, 'getChannelFeeds', number, { results: 5 });
    assert.strictEqual(feeds.channel.id, number);
    assert.deepStrictEqual(feeds.feeds.map((feed) => [feed.entry_id, feed.field1]), [[1, '1'], [2, '2']]);
    const last = await call(client, 'getLastEntryInChannelFeed', number, {});
    assert.deepStrictEqual([last.entry_id, last.field1], [2, '2']);
    const field = await call(client, 'getFieldFeed', number, 1, { results: 1 });
    assert.deepStrictEqual(field.feeds.map((feed) => feed.field1), ['2']);
    assert.strictEqual((await call(client, 'getLastEntryInFieldFeed', number, 1)).field1, '2');
    const statuses = await call(client, 'getStatusUpdates', number);
    assert.deepStrictEqual(statuses.feeds.map((feed) => feed.status), ['a&b=ü', 'a&b=ü']);

    const listed = await call(client, 'listPublicChannels');
    assert.ok(listed.channels.some((found) => found.id === number));
    assert.ok(!listed.channels.some((found) => found.id === privateNumber));
    const user = await call(client, 'listUserInfo', 'duck');
    assert.strictEqual(user.login, 'duck');
    assert.ok(Number.isInteger(user.id) && !('api_key' in user), JSON.stringify(user));
    const ofUser = await call(client, 'listUserChannels', 'duck');
    assert.ok(ofUser.channels.some((found) => found.id === number));

    // A private channel. Without the queue, a write that comes too soon is sent and answered with 0.
    const hasty = new ThingSpeakClient({ server, useTimeoutMode: false });
    await call(hasty, 'attachChannel', privateNumber, { writeKey: privateWriteKey, readKey: privateReadKey });
    assert.strictEqual(await call(hasty, 'updateChannel', privateNumber, { field1: 7 }), '1');
    assert.strictEqual(await call(hasty, 'updateChannel', privateNumber, { field1: 8 }), '0');
    assert.strictEqual((await call(hasty, 'getLastEntryInChannelFeed', privateNumber)).field1, '7');
    const stranger = new ThingSpeakClient({ server });
    assert.strictEqual(await call(stranger, 'getChannelFeeds', privateNumber), -1);
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
