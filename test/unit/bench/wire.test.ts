// Round trips are counted by what waited for what, however the bytes are cut.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { openWire, type Traffic } from '../../../bench/wire.ts';

/** Connects through a wire to a server that answers every line, and gives what was counted when `talk` has ended. */
async function counted(greeting: string, talk: (socket: Socket) => Promise<void>): Promise<Traffic> {
  const server = createServer((socket) => {
    if (greeting !== '') socket.write(greeting);
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('end', () => socket.end());
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const told = Promise.withResolvers<Traffic>();
  const wire = await openWire({ port: 0, to: (server.address() as AddressInfo).port, delayMs: 10 }, told.resolve);
  const socket = connect({ host: '127.0.0.1', port: wire.port });
  await talk(socket);
  socket.end();
  const traffic = await told.promise;
  wire.close();
  server.close();
  return traffic;
}

const ask = async (socket: Socket, text: string) => {
  socket.write(text);
  await once(socket, 'data');
};

it('counts each question that waited for the answer before', async () => {
  const traffic = await counted('', async (socket) => {
    for (const question of ['one', 'two', 'three']) await ask(socket, question);
  });
  // And TCP's own.
  expect(traffic).toEqual({ roundTrips: 4, bytesThere: 11, bytesBack: 11 });
});

it('counts questions that did not wait as one', async () => {
  const traffic = await counted('', async (socket) => {
    socket.write('one');
    socket.write('two');
    await ask(socket, 'three');
  });
  expect(traffic.roundTrips).toBe(2);
});

it('counts a greeting that nobody asked for as none', async () => {
  const traffic = await counted('hello', async (socket) => {
    await once(socket, 'data');
  });
  expect(traffic.roundTrips).toBe(1);
});
