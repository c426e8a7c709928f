import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { fastify, type FastifyInstance } from 'fastify'
import { readJsonBodies } from './json-body.js'
import { routeUpgrades } from './upgrade.js'

describe('routeUpgrades()', () => {
  let app: FastifyInstance
  beforeEach(async () => {
    app = fastify()
    app.removeAllContentTypeParsers()
    readJsonBodies(app)
    routeUpgrades(app, { ms: 100, bytes: 1024 * 1024 })
    app.post('/', (request) => ({ keys: Object.keys(request.body as object) }))
    await app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterEach(() => app.close())

  async function begin(head: string): Promise<Socket> {
    const { port } = app.server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const own = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n'
    socket.write(`POST / HTTP/1.1\r\n${own}${head}`)
    return socket
  }
  /** What is answered. The end may come as a reset, where something was on its way that nobody has read. */
  async function untilEnd(socket: Socket): Promise<string> {
    let answer = ''
    socket.on('data', (bytes) => (answer += String(bytes)))
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('close', resolve))
    return answer
  }
  const connections = promisify((done: (error: Error | null, count: number) => void) =>
    app.server.getConnections(done),
  )
  async function untilNone(): Promise<void> {
    while ((await connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  it('ends a connection whose body does not come in time', async () => {
    const begun = performance.now()
    const socket = await begin('Content-Length: 20\r\n\r\n{"a":')
    const trickle = setInterval(() => socket.write(' '), 20)
    try {
      expect(await untilEnd(socket)).toBe('')
    } finally {
      clearInterval(trickle)
    }
    expect(performance.now() - begun).toBeGreaterThan(90)
    await untilNone()
  })

  it('ends a connection whose body is too large', async () => {
    expect(await untilEnd(await begin('Content-Length: 1048577\r\n\r\n'))).toBe('')
  })

  it('sees the end of a client that was answered and has sent more than was read', async () => {
    const socket = await begin('Content-Length: 7\r\n\r\n{"a":1}more')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toContain('200 OK')
    socket.end()
    await untilNone()
  })

  it('copies a body once, in however many pieces it comes', async () => {
    const concat = jest.spyOn(Buffer, 'concat')
    try {
      const socket = await begin('Content-Length: 4000\r\n\r\n{')
      for (const char of `"a":"${' '.repeat(3992)}"`.slice(0, 40)) {
        socket.write(char)
        await new Promise((resolve) => setImmediate(resolve))
      }
      const copiedBefore = concat.mock.results.length
      socket.write(`${' '.repeat(4000 - 41 - 2)}"}`)
      expect(await text(socket)).toContain('{"keys":["a"]}')
      expect(copiedBefore).toBe(0)
    } finally {
      concat.mockRestore()
    }
  })
})
