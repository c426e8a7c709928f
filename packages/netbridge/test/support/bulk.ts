import { once } from 'node:events'
import { createServer, Socket, type AddressInfo } from 'node:net'
import { AF_INET, bind, listen, SOCK_STREAM, socket } from '@ctr/linux'
import { connectInside, inside, socketAddress } from './inside.js'

/** Sends bytes by TCP from one network namespace to another and says how long that took, in seconds. */
export async function transfer(
  from: number,
  to: { readonly netnsFd: number; readonly address: string },
  bytes: number,
): Promise<number> {
  const fd = inside(to.netnsFd, () => socket(AF_INET, SOCK_STREAM, 0))
  bind(fd, socketAddress('0.0.0.0', 0))
  listen(fd, 1)
  let received = 0
  const server = createServer((client) => client.on('data', (chunk) => (received += chunk.length)))
  server.listen({ fd })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new Socket({ fd: connectInside(from, to.address, port) })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const begin = performance.now()
  const [peer] = await accepted
  client.end(Buffer.alloc(bytes, 'x'))
  await once(peer, 'end')
  const seconds = (performance.now() - begin) / 1000
  client.destroy()
  const closed = once(server, 'close')
  server.close()
  await closed
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes have arrived`)
  return seconds
}
