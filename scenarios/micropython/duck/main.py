# The yellow duck as the article of 2017 describes it, in Python of our own: what it does, and what it leaves out.
# It checks no certificate, reads no reply, decodes no form and stops at the first error, as that firmware did.
# Not as there: its web server speaks HTTP and not HTTPS, and it measures at once and every 20 s, not every five minutes.

import dht
import machine
import network
import socket
import time
import ussl

HOST = 'api.thingspeak.com'
INTERVAL = 20
PAGE = '''<!DOCTYPE html><title>Yellow Duck configuration</title>
<form method="post"><input name="ssid"><input name="pass" type="password"><input type="submit"></form>
<form method="post"><input name="key"><input type="submit"></form>'''
BYE = 'The board is going to reboot.'

led = machine.Pin(13, machine.Pin.OUT)
config_mode = machine.Pin(5, machine.Pin.IN)


def write(name, text):
    with open(name, 'w') as settings:
        settings.write(text)


def read(name):
    try:
        with open(name) as settings:
            return settings.read()
    except OSError:
        print('cannot find', name)
        return ''


def start_access_point():
    access_point = network.WLAN(network.AP_IF)
    access_point.active(True)
    access_point.config(essid='yellow-duck', password='helloduck', authmode=network.AUTH_WPA2_PSK)


def fields(client):
    line = client.readline()
    print('request', line)
    post = line.startswith(b'POST')
    length = 0
    while line and line != b'\r\n':
        line = client.readline()
        header = line.decode().split(':')
        if header[0].lower() == 'content-length':
            length = int(header[1])
    if not post or not length:
        return {}
    return dict(field.split('=')[:2] for field in client.read(length).decode().split('&'))


def configure():
    start_access_point()
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('0.0.0.0', 80))
    server.listen(5)
    print('server started')
    while True:
        client, _ = server.accept()
        done = False
        try:
            form = fields(client)
            if form.get('ssid') and form.get('pass'):
                write('wifi.conf', form['ssid'] + '/' + form['pass'])
                done = True
            if form.get('key'):
                write('thingspeak.conf', form['key'])
                done = True
            client.write(b'HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n')
            client.write(BYE if done else PAGE)
        except Exception as error:
            print('exception:', error)
        client.close()
        if done:
            print('rebooting')
            time.sleep(5)
            machine.reset()


def connect():
    ssid, passphrase = (read('wifi.conf').split('/') + ['', ''])[:2]
    if not ssid or not passphrase:
        print('could not find ssid/password in config file')
        return False
    station = network.WLAN(network.STA_IF)
    station.active(True)
    station.connect(ssid, passphrase)
    for _ in range(11):
        print('connecting')
        if station.isconnected():
            break
        time.sleep(1)
    print('connected' if station.isconnected() else 'connection failed')
    return station.isconnected()


def send(key, temperature, humidity):
    body = 'field1={:.2f}&field2={:.2f}'.format(temperature, humidity)
    connection = socket.socket()
    connection.connect(socket.getaddrinfo(HOST, 443)[0][-1])
    connection = ussl.wrap_socket(connection)
    connection.write('''POST /update HTTP/1.1
Host: {}
Connection: close
X-THINGSPEAKAPIKEY: {}
Content-Type: application/x-www-form-urlencoded
Content-Length: {}

{}
'''.format(HOST, key, len(body), body))
    connection.close()


def measure(key):
    sensor = dht.DHT22(machine.Pin(14))
    sensor.measure()
    print('measured', sensor.temperature(), sensor.humidity())
    if not key:
        print('no ThingSpeak key')
        return
    send(key, sensor.temperature(), sensor.humidity())
    print('sent')


led.off()
if config_mode.value() or not connect():
    configure()
led.on()
key = read('thingspeak.conf')
while True:
    measure(key)
    time.sleep(INTERVAL)
