import { createServer } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { decode, decodeMulti, encode, type ExtData } from '@msgpack/msgpack'
import { batch, collect, errors, here, open, time, until } from '../../../test/support/collectors.js'

describe('fluentd', () => {
  it('speaks the forward protocol, to the nanosecond', async () => {
    using folder = temporaryFolder()
    const server = await collect(createServer(), `${folder.path}/forward`)
    const sink = open('fluentd', {
      'fluentd-address': `unix://${folder.path}/forward`,
      'fluentd-sub-second-precision': 'true',
      tag: 'docker.{{.Name}}',
      labels: 'com.role',
    })
    void sink.write(batch('one\n'))
    await until(() => server.bytes().length > 0)
    const [tag, entries, option] = decode(server.bytes()) as [string, Uint8Array, { readonly size: number }]
    expect([tag, option.size]).toEqual(['docker.web', 1])
    const [[at, record]] = [...decodeMulti(entries)] as [[ExtData, unknown]]
    const stamp = Buffer.from(at.data as Uint8Array)
    expect([stamp.readUInt32BE(0), stamp.readUInt32BE(4)]).toEqual([
      Math.floor(Date.parse(time) / 1000),
      123_456_789,
    ])
    expect(record).toEqual({
      container_id: 'a'.repeat(64),
      container_name: '/web',
      source: 'stdout',
      log: 'one',
      'com.role': 'front',
    })
  })

  it('waits for answers where they are asked for, and sends again what got none', async () => {
    let asked = 0
    const server = await collect(createServer(), here, (socket, chunk) => {
      const [, , { chunk: id }] = decode(chunk) as [string, Uint8Array, { readonly chunk: string }]
      if (++asked === 1) socket.destroy()
      else socket.write(encode({ ack: id }))
    })
    const sink = open('fluentd', {
      'fluentd-address': `127.0.0.1:${server.port}`,
      'fluentd-request-ack': 'true',
      'fluentd-retry-wait': '10ms',
    })
    void sink.write(batch('kept\n'))
    await until(() => asked === 2)
    expect(errors.splice(0).map(String)).toEqual([expect.stringContaining('cannot send logs to fluentd')])
  })
})
