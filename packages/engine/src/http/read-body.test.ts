import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from '@jest/globals'
import { fastify } from 'fastify'
import { readJsonBodies } from './json-body.js'
import { readBody } from './read-body.js'

describe('readBody()', () => {
  it('gives up what comes too slowly, is too large, or ends too early', async () => {
    const slow = new PassThrough()
    const trickle = setInterval(() => slow.write(' '), 5).unref()
    await expect(readBody(slow, { ms: 50 })).rejects.toMatchObject({ status: 408 })
    clearInterval(trickle)
    const large = new PassThrough()
    large.write('12345')
    await expect(readBody(large, { bytes: 4 })).rejects.toMatchObject({ status: 413 })
    const cut = new PassThrough()
    const reading = readBody(cut)
    cut.destroy(new Error('gone'))
    await expect(reading).rejects.toMatchObject({ status: 400 })
  })

  it('reads characters that came in two pieces', async () => {
    const body = new PassThrough()
    const reading = readBody(body)
    body.write(Buffer.from([0xc3]))
    body.end(Buffer.from([0xbc]))
    expect(await reading).toBe('ü')
  })
})

describe('readJsonBodies()', () => {
  const app = fastify()
  afterEach(() => app.close())

  it('answers 408 to a client that never ends its body, and ends the connection', async () => {
    app.removeAllContentTypeParsers()
    readJsonBodies(app, { ms: 50 })
    app.post('/', (request) => ({ got: request.body }))
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const begin = async (head: string): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${head}`)
      return socket
    }
    for (const head of ['Content-Length: 20\r\n\r\n{"a":', 'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n'])
      expect(await text(await begin(head))).toMatch(/^HTTP\/1\.1 408 (.|\r\n)*connection: close\r\n/i)
    const whole = await begin('Connection: close\r\nContent-Length: 7\r\n\r\n{"a":')
    whole.write('1}')
    expect(await text(whole)).toContain('{"got":{"a":1}}')
  })
})
