import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Connection } from './connection.js'
import { marshal } from './marshal.js'
import { decodeMessage, lengthOf, type Message } from './message.js'
import type { Value } from './value.js'

let folder: string
let server: Server | undefined
const sockets: Socket[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctr-dbus-'))
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
  rmSync(folder, { recursive: true })
})

/** A peer that does with each connection what a test wants. */
async function serve(behave: (socket: Socket) => void): Promise<string> {
  const path = join(folder, 'socket')
  server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    behave(socket)
  })
  await new Promise<void>((resolve) => server!.listen(path, resolve))
  return path
}

/** A peer that greets, and answers calls. */
function peer(answer: (call: Message, socket: Socket) => void) {
  return (socket: Socket) => {
    let bytes = Buffer.alloc(0)
    let greeted = false
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      if (!greeted) {
        const end = bytes.indexOf('BEGIN\r\n')
        if (end < 0) return
        expect(bytes.subarray(0, end).toString()).toBe('\0AUTH EXTERNAL\r\nDATA\r\n')
        bytes = bytes.subarray(end + 7)
        greeted = true
        socket.write('DATA\r\nOK 0123\r\n')
      }
      for (;;) {
        const length = lengthOf(bytes)
        if (length === undefined || bytes.length < length) return
        answer(decodeMessage(bytes.subarray(0, length)), socket)
        bytes = bytes.subarray(length)
      }
    })
  }
}

function reply(
  kind: 2 | 3 | 4,
  fields: readonly [number, string, string | number][],
  signature: string,
  body: Value[],
) {
  const values = marshal(signature, body)
  const all = signature === '' ? fields : [...fields, [8, 'g', signature] as const]
  const given = all.map(([code, type, value]) => [code, { signature: type, value }])
  const head = marshal('yyyyuua(yv)', [0x6c, kind, 0, 1, values.length, 1, given])
  return Buffer.concat([head, Buffer.alloc(-head.length & 7), values])
}

const call = { path: '/a', interface: 'a.b', member: 'C', signature: 's', body: ['x'] }
const options = { kind: 'peer', timeoutMs: 5000 } as const

describe('Connection', () => {
  it('calls, and is answered in any order', async () => {
    const waiting: Message[] = []
    const path = await serve(
      peer((latest, socket) => {
        waiting.unshift(latest)
        if (waiting.length < 2) return
        for (const one of waiting) socket.write(reply(2, [[5, 'u', one.serial]], 's', one.body()))
      }),
    )
    using connection = new Connection(path, options)
    const answers = await Promise.all(['1', '2'].map((text) => connection.call({ ...call, body: [text] })))
    expect(answers.map(({ values }) => values)).toEqual([['1'], ['2']])
  })

  it('takes answers apart that come byte by byte', async () => {
    const path = await serve(
      peer(({ serial }, socket) => {
        const bytes = reply(2, [[5, 'u', serial]], 's', ['whole'])
        socket.setNoDelay(true)
        for (const byte of bytes) socket.write(Buffer.of(byte))
      }),
    )
    using connection = new Connection(path, options)
    expect((await connection.call(call)).values).toEqual(['whole'])
  })

  it('makes errors of errors', async () => {
    const path = await serve(
      peer(({ serial }, socket) => socket.write(reply(3, [[5, 'u', serial], [4, 's', 'org.x.No']], 's', ['never']))), // prettier-ignore
    )
    using connection = new Connection(path, options)
    await expect(connection.call(call)).rejects.toMatchObject({
      code: 'ERR_CGROUP_SYSTEMD',
      message: 'org.x.No: never',
      cause: { name: 'org.x.No' },
    })
  })

  it('hands signals on, and passes over answers that nobody waits for', async () => {
    const path = await serve(
      peer(({ serial }, socket) => {
        socket.write(reply(4, [[1, 'o', '/s'], [2, 's', 'a.b'], [3, 's', 'Sig'], [7, 's', ':1.9']], 'u', [3])) // prettier-ignore
        socket.write(reply(2, [[5, 'u', 4711]], '', []))
        socket.write(reply(2, [[5, 'u', serial]], '', []))
      }),
    )
    using connection = new Connection(path, options)
    const signals: Message[] = []
    connection.onSignal = (message) => signals.push(message)
    await connection.call(call)
    expect(signals.map((one) => [one.member, one.sender, one.body()])).toEqual([['Sig', ':1.9', [3]]])
  })

  it.each<[string, string, (socket: Socket) => void]>([
    ['a refusal', 'ERR_CGROUP_BUS', (socket) => socket.write('REJECTED EXTERNAL\r\n')],
    ['no greeting, but bytes without end', 'ERR_CGROUP_BUS', flood('x'.repeat(1024))],
    ['lines without end', 'ERR_CGROUP_BUS', flood('DATA\r\n')],
    ['an end', 'ERR_CGROUP_BUS', (socket) => socket.end()],
    ['silence', 'ERR_CGROUP_TIMEOUT', () => undefined],
    ['a greeting and then silence', 'ERR_CGROUP_TIMEOUT', peer(() => undefined)],
    ['no message', 'ERR_CGROUP_PARSE', peer((_, socket) => socket.write('GET / HTTP/1.0\r\n\r\n'))],
    ['a message of 2 GiB', 'ERR_CGROUP_PARSE', peer((_, socket) => socket.write(Buffer.from('6c0200010000008001000000000000006c', 'hex')))], // prettier-ignore
    ['an answer that is damaged', 'ERR_CGROUP_PARSE', peer(({ serial }, socket) => socket.write(spoilt(reply(2, [[5, 'u', serial]], 's', ['x']))))], // prettier-ignore
    ['signals without end', 'ERR_CGROUP_TIMEOUT', peer((_, socket) => { flood(reply(4, [[1, 'o', '/s'], [2, 's', 'a.b'], [3, 's', 'S']], 's', ['x'.repeat(1000)]))(socket) })], // prettier-ignore
  ])('ends with an error at %s', async (_, code, behave) => {
    const path = await serve(behave)
    using connection = new Connection(path, {
      kind: 'peer',
      timeoutMs: code === 'ERR_CGROUP_TIMEOUT' ? 300 : 30_000,
    })
    await expect(connection.call(call)).rejects.toMatchObject({ name: 'CgroupError', code })
    await expect(connection.call(call)).rejects.toMatchObject({ code }) // and stays so
    await expect(connection.lost).rejects.toMatchObject({ code })
  })

  it('says that nobody listens', async () => {
    using connection = new Connection(join(folder, 'none'), options)
    await expect(connection.call(call)).rejects.toMatchObject({
      code: 'ERR_CGROUP_BUS',
      message: expect.stringMatching(/^cannot talk to D-Bus at .*none: .*ENOENT/),
    })
  })

  it('ends with its signal', async () => {
    const path = await serve(peer(() => undefined))
    const controller = new AbortController()
    using connection = new Connection(path, { ...options, signal: controller.signal })
    const answer = connection.call(call)
    controller.abort()
    await expect(answer).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
  })
})

/** A message the last text of which does not end. */
function spoilt(bytes: Buffer): Buffer {
  bytes[bytes.length - 1] = 1
  return bytes
}

/** Writes without end, as fast as it is read. */
function flood(what: string | Buffer) {
  return (socket: Socket): void => {
    const more = () => {
      while (!socket.destroyed && socket.write(what));
    }
    socket.on('drain', more)
    more()
  }
}
