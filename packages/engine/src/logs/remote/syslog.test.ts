import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import {
  batch,
  collect,
  collectUdp,
  collectUnix,
  errors,
  here,
  open,
  tls,
  until,
} from '../../../test/support/collectors.js'

describe('syslog', () => {
  const { pid } = process
  const rfc5424 = new RegExp(`^<(\\d+)>1 2026-01-02T03:04:05(\\.123456)?Z \\S+ web ${pid} web - (.*)\\n$`)

  it('sends RFC 3164 and what the local syslog takes, over UDP', async () => {
    const server = await collectUdp()
    const address = `udp://127.0.0.1:${server.port}`
    const old = open('syslog', { 'syslog-address': address, 'syslog-format': 'rfc3164', tag: '{{.Name}}' })
    void old.write(batch('one\n\ntwo\n'))
    await until(() => server.messages.length === 2)
    expect(String(server.messages[0])).toMatch(
      new RegExp(`^<30>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\S+ web\\[${pid}\\]: one\\n$`),
    )
    void open('syslog', { 'syslog-address': address, 'syslog-facility': 'local7' }).write(
      batch('bad\n', { stream: 'stderr' }),
    )
    await until(() => server.messages.length === 3)
    expect(String(server.messages[2])).toMatch(
      new RegExp(`^<187>\\S+ +\\d+ [\\d:]{8} a{12}\\[${pid}\\]: bad\\n$`),
    )
  })

  it('sends RFC 5424 over TCP and unix streams, and counts its bytes over TLS', async () => {
    using folder = temporaryFolder()
    const options = { 'syslog-format': 'rfc5424', tag: '{{.Name}}' }
    const tcp = await collect(createServer(), here)
    void open('syslog', { ...options, 'syslog-address': `tcp://127.0.0.1:${tcp.port}` }).write(
      batch('grün\n'),
    )
    await until(() => tcp.text().endsWith('\n'))
    expect(rfc5424.exec(tcp.text())?.slice(1)).toEqual(['30', undefined, 'grün'])

    const unix = await collect(createServer(), `${folder.path}/log`)
    void open('syslog', { ...options, 'syslog-address': `unix://${folder.path}/log` }).write(batch('x\n'))
    await until(() => unix.text().endsWith('x\n'))

    const server = createTls({
      cert: readFileSync(tls('server.pem')),
      key: readFileSync(tls('server.key')),
      ca: readFileSync(tls('ca.pem')),
      requestCert: true,
      rejectUnauthorized: true,
    })
    const secure = await collect(server, here)
    const sink = open('syslog', {
      'syslog-format': 'rfc5424micro',
      tag: '{{.Name}}',
      'syslog-address': `tcp+tls://127.0.0.1:${secure.port}`,
      'syslog-tls-ca-cert': tls('ca.pem'),
      'syslog-tls-cert': tls('client.pem'),
      'syslog-tls-key': tls('client.key'),
    })
    void sink.write(batch('grün\nsecond\n'))
    await until(() => secure.text().endsWith('second\n'))
    const [, length, rest = ''] = /^(\d+) (.*)$/s.exec(secure.text()) ?? []
    const first = Buffer.from(rest).subarray(0, Number(length)).toString()
    expect(rfc5424.exec(first)?.slice(1)).toEqual(['30', '.123456', 'grün'])
  })

  it('sends datagrams to a unix socket', async () => {
    using folder = temporaryFolder()
    const receive = collectUnix(`${folder.path}/log`)
    const sink = open('syslog', { 'syslog-address': `unixgram://${folder.path}/log`, tag: 't' })
    void sink.write(batch('hello\n'))
    expect(await receive()).toMatch(new RegExp(`t\\[${pid}\\]: hello\\n$`))
  })

  it('connects again when the other side comes back', async () => {
    const first = createServer()
    const gone = await collect(first, here, (socket) => socket.destroy())
    const sink = open('syslog', { 'syslog-address': `tcp://127.0.0.1:${gone.port}` })
    void sink.write(batch('one\n'))
    await until(() => gone.text().includes('one'))
    first.close()
    const back = await collect(createServer(), { ...here, port: gone.port })
    let n = 0
    await until(() => {
      void sink.write(batch(`again ${++n}\n`))
      return back.text().includes('again')
    })
    errors.length = 0 // that it was away may have been seen
  })
})
