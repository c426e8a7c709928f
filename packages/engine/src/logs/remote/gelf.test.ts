import { createServer } from 'node:net'
import { gunzipSync, inflateSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { batch, collect, collectUdp, here, open, time, until } from '../../../test/support/collectors.js'

describe('gelf', () => {
  it.each([
    ['gzip', gunzipSync],
    ['zlib', inflateSync],
    ['none', (bytes: Buffer) => bytes],
  ] as const)('compresses by %s, and parts what is larger than a datagram', async (type, inflate) => {
    const server = await collectUdp()
    const sink = open('gelf', {
      'gelf-address': `udp://127.0.0.1:${server.port}`,
      'gelf-compression-type': type,
      env: 'LEVEL',
    })
    void sink.write(batch('short\n'))
    await until(() => server.messages.length === 1)
    expect(JSON.parse(inflate(server.messages[0]!).toString())).toMatchObject({
      version: '1.1',
      short_message: 'short',
      timestamp: Date.parse(time) / 1000,
      level: 6,
      _container_id: 'a'.repeat(64),
      _container_name: 'web',
      _image_name: 'bb:1',
      _command: 'sh -c true',
      _tag: 'a'.repeat(12),
      _LEVEL: 'high',
    })
    const long = Array.from({ length: 1500 }, (_, n) => (n * 7919).toString(36)).join('')
    void sink.write(batch(`${long}\n`, { stream: 'stderr' }))
    await until(() => server.messages.length > 1 && server.messages.length === server.messages[1]![11]! + 1)
    const chunks = server.messages.slice(1).sort((a, b) => a[10]! - b[10]!)
    expect(chunks.every((chunk) => chunk.length <= 1420 && chunk.readUInt16BE(0) === 0x1e0f)).toBe(true)
    expect(new Set(chunks.map((chunk) => chunk.toString('hex', 2, 10))).size).toBe(1)
    const whole = inflate(Buffer.concat(chunks.map((chunk) => chunk.subarray(12)))).toString()
    expect(JSON.parse(whole)).toMatchObject({ short_message: long, level: 3 })
  })

  it('ends each message with a zero over TCP', async () => {
    const server = await collect(createServer(), here)
    void open('gelf', { 'gelf-address': `tcp://127.0.0.1:${server.port}` }).write(batch('a\nb\n'))
    await until(() => server.text().split('\0').length === 3)
    const messages = server.text().split('\0').slice(0, 2)
    expect(messages.map((text) => (JSON.parse(text) as { short_message: string }).short_message)).toEqual([
      'a',
      'b',
    ])
  })
})
