import { describe, expect, it } from '@jest/globals'
import type { LogBatch } from '../entry.js'
import type { Transport } from './outbox.js'
import { RemoteSink, type RemoteOptions } from './remote-sink.js'

const batch = (text: string): LogBatch => ({ stream: 'stdout', time: '2026-01-02T03:04:05.000000000Z', text })

/** The other side: there, away, or slow, as the test says. */
class Side implements Transport {
  isThere = true
  readonly got: string[] = []
  readonly sends: string[][] = []
  closed = 0
  /** While there is one, it takes its time. */
  busy: Promise<void> | undefined

  async send(messages: readonly Buffer[]): Promise<void> {
    await this.busy
    if (!this.isThere) throw new Error('nobody is there')
    this.got.push(...messages.map(String))
    this.sends.push(messages.map(String))
  }

  close(): void {
    this.closed++
  }
}

function open(side: Side, options: Partial<RemoteOptions> = {}): { sink: RemoteSink; errors: string[] } {
  const errors: string[] = []
  const sink = new RemoteSink({
    name: 'the side',
    transport: side,
    encode: (line) => Buffer.from(line),
    onError: (error) => errors.push((error as Error).message),
    retryMs: 5,
    ...options,
  })
  return { sink, errors }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('RemoteSink', () => {
  it('sends lines one after the other, and ends the connection with the run', async () => {
    const side = new Side()
    const { sink, errors } = open(side)
    expect(sink.write(batch('a\nb\n'))).toBeUndefined()
    void sink.write(batch('c\n'))
    await sink.end()
    await until(() => side.closed > 0)
    expect(side.got).toEqual(['a', 'b', 'c'])
    expect(errors).toEqual([])
  })

  it('makes the container wait while the other side is slow', async () => {
    const side = new Side()
    let goOn: () => void = () => undefined
    side.busy = new Promise((resolve) => (goOn = resolve))
    const { sink } = open(side, { mostBytes: 10 })
    const wait = sink.write(batch('0123456789\n'))
    expect(wait).toBeInstanceOf(Promise)
    goOn()
    await wait
    expect(side.got).toEqual(['0123456789'])
  })

  it('keeps so much while nobody is there, never makes the container wait, and tells what was lost', async () => {
    const side = new Side()
    side.isThere = false
    const { sink, errors } = open(side, { mostBytes: 10 })
    await sink.write(batch('12345\n12345\n')) // it is found out by these
    for (let n = 0; n < 5; n++) expect(sink.write(batch('lost\n'))).toBeUndefined()
    expect(errors).toEqual(['cannot send logs to the side: they wait, and are lost when too many do'])
    side.isThere = true
    await until(() => side.got.length === 2)
    await until(() => errors.length === 2)
    expect(errors[1]).toBe('the side was away: 5 lines are lost')
    void sink.write(batch('again\n'))
    await until(() => side.got.length === 3)
    expect(side.got).toEqual(['12345', '12345', 'again'])
  })

  it('gives messages up after so many tries', async () => {
    const side = new Side()
    side.isThere = false
    const { sink, errors } = open(side, { mostRetries: 2 })
    void sink.write(batch('lost\n'))
    await until(() => errors.length === 2)
    expect(errors[1]).toBe('the side was away: 1 lines are lost')
    side.isThere = true
    void sink.write(batch('next\n'))
    await until(() => side.got.length === 1)
    expect(side.got).toEqual(['next'])
  })

  it('gathers messages for a while, or until there is as much as goes at once, or the run has ended', async () => {
    const side = new Side()
    const atOnce = { bytes: 10, messages: 3 }
    const { sink } = open(side, { gatherMs: 20, atOnce })
    void sink.write(batch('a\n'))
    void sink.write(batch('b\n'))
    expect(side.sends).toEqual([])
    await until(() => side.sends.length === 1)
    const { sink: patient } = open(side, { gatherMs: 60_000, atOnce })
    void patient.write(batch('1\n2\n3\n4\n12345678\n'))
    void patient.write(batch('left\n'))
    await until(() => side.sends.length === 3)
    await patient.end()
    await until(() => side.sends.length === 4)
    expect(side.sends).toEqual([['a', 'b'], ['1', '2', '3'], ['4', '12345678'], ['left']])
  })

  it('makes the container wait for too many messages as for too many bytes', async () => {
    const side = new Side()
    const { sink } = open(side, { gatherMs: 60_000, mostMessages: 2 })
    expect(sink.write(batch('a\n'))).toBeUndefined()
    await sink.write(batch('b\n'))
    expect(side.got).toEqual(['a', 'b'])
  })
})
