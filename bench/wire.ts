// The way to a host as if it were far: every byte is late by the same time, and round trips are counted on the wire.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What one connection was. */
export interface Traffic {
  /**
   * The longest chain of messages, there and back, each of which can only have been sent after the one before was
   * there; TCP's own first one included. A message that nobody waited for adds nothing.
   */
  roundTrips: number;
  bytesThere: number;
  bytesBack: number;
}

export interface Wire {
  port: number;
  close(): void;
}

/** Listens on `port` (0: any) and passes on to `to`; `each` hears of every connection that has ended. */
export async function openWire(
  { port, to, delayMs }: { port: number; to: number; delayMs: number },
  each: (traffic: Traffic) => void,
): Promise<Wire> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => join(near, to, delayMs, each));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

function join(near: Socket, to: number, delayMs: number, each: (traffic: Traffic) => void): void {
  const traffic: Traffic = { roundTrips: 1, bytesThere: 0, bytesBack: 0 };
  // How many links the chain had when an end last heard something: what it says now may be the next one.
  const heard = { near: 1, far: 1 };
  near.on('error', () => {});
  near.pause();
  // TCP's own handshake would take a round trip; here it was over at once.
  setTimeout(() => {
    const far = connect({ host: '127.0.0.1', port: to, noDelay: true, allowHalfOpen: true });
    far.on('error', () => near.destroy());
    pass(near, far, delayMs, (bytes) => {
      traffic.bytesThere += bytes;
      const link = heard.near + 1;
      return () => {
        heard.far = Math.max(heard.far, link);
      };
    });
    pass(far, near, delayMs, (bytes) => {
      traffic.bytesBack += bytes;
      const link = heard.far;
      return () => {
        heard.near = Math.max(heard.near, link);
        traffic.roundTrips = heard.near;
      };
    });
    far.on('close', () => {
      near.destroySoon();
      setTimeout(() => each(traffic), delayMs);
    });
    near.on('close', () => setTimeout(() => far.destroySoon(), delayMs));
  }, 2 * delayMs);
}

/** `said` hears of every message when it is sent, and what it returns is called when it is there. */
function pass(from: Socket, to: Socket, delayMs: number, said: (bytes: number) => () => void): void {
  from.on('data', (bytes: Buffer) => {
    const arrived = said(bytes.length);
    setTimeout(() => {
      arrived();
      to.write(bytes);
    }, delayMs);
  });
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.resume();
}

// Started by itself it prints every connection as a line of JSON: `node wire.ts PORT TO DELAY`.
if (import.meta.main) {
  const [port = 0, to = 0, delayMs = 0] = process.argv.slice(2).map(Number);
  await openWire({ port, to, delayMs }, (traffic) => void process.stdout.write(`${JSON.stringify(traffic)}\n`));
  process.stdout.write('listening\n');
}
