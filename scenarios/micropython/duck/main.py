# The yellow duck as the article of 2017 describes it, in Python of our own: what it does, and what it leaves out.
# It asks for no status, checks no certificate, reads no reply and stops at the first error, as that firmware did.

import dht
import machine
import network
import socket
import time
import ussl

SETTINGS = 'wifi.conf'
HOST = 'api.thingspeak.com'
FORM = '''<!DOCTYPE html><title>yellow duck</title>
<form method="post" action="/">
<input name="network"><input name="passphrase"><input name="write-key"><input type="submit">
</form>'''

led = machine.Pin(13, machine.Pin.OUT)
config = machine.Pin(5, machine.Pin.IN)
station = network.WLAN(network.STA_IF)
access_point = network.WLAN(network.AP_IF)


def answer(client, body):
    client.send(b'HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n')
    client.send(body)
    client.close()


def configure():
    station.active(False)
    access_point.active(True)
    access_point.config(essid='yellow-duck', authmode=network.AUTH_OPEN)
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(('', 80))
    server.listen(1)
    print('configuration mode')
    while True:
        client, _ = server.accept()
        request = client.recv(1024).decode()
        if not request.startswith('POST'):
            answer(client, FORM)
            continue
        fields = dict(field.split('=') for field in request.split('\r\n\r\n')[1].split('&'))
        with open(SETTINGS, 'w') as settings:
            settings.write('\n'.join([fields['network'], fields['passphrase'], fields['write-key']]))
        answer(client, 'saved')
        time.sleep(1)
        machine.reset()


def send(key, temperature, humidity):
    address = socket.getaddrinfo(HOST, 443)[0][-1]
    connection = socket.socket()
    connection.connect(address)
    connection = ussl.wrap_socket(connection)
    request = 'GET /update?api_key={}&field1={}&field2={} HTTP/1.0\r\nHost: {}\r\n\r\n'
    connection.write(request.format(key, temperature, humidity, HOST).encode())
    connection.close()


def measure():
    with open(SETTINGS) as settings:
        name, passphrase, key = settings.read().split('\n')[:3]
    access_point.active(False)
    station.active(True)
    station.connect(name, passphrase)
    while not station.isconnected():
        time.sleep_ms(100)
    led.on()
    print('joined', station.ifconfig()[0])
    sensor = dht.DHT22(machine.Pin(14))
    while True:
        sensor.measure()
        print('measured', sensor.temperature(), sensor.humidity())
        send(key, sensor.temperature(), sensor.humidity())
        time.sleep(60)


if config.value():
    configure()
else:
    measure()
