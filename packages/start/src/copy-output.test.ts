import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { copyOutput } from './copy-output.js'

/** A reader that takes nothing until it is told to. As standard streams, it stays as it is after an error. */
class SlowReader extends Writable {
  written = ''
  #done: ((error?: Error) => void) | undefined

  constructor() {
    super({ highWaterMark: 4, autoDestroy: false })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.written += chunk.toString()
    this.#done = done
  }

  read(): void {
    this.#done?.()
  }

  goAway(): void {
    this.#done?.(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  }
}

describe('copyOutput()', () => {
  it('passes all on before it ends', async () => {
    const source = new PassThrough()
    const sink = new PassThrough()
    const copy = copyOutput(source, sink)
    source.write('one ')
    source.end('two')
    await copy.giveUp()
    expect(String(sink.read())).toBe('one two')
    expect(sink.writableEnded).toBe(false)
  })

  it('waits for a slow reader', async () => {
    const source = new PassThrough()
    const sink = new SlowReader()
    const copy = copyOutput(source, sink)
    source.write('much more than fits')
    source.end('the rest')
    await turn()
    const over = copy.giveUp()
    const beforehand = sink.written
    sink.read()
    await over
    expect([beforehand, sink.written]).toEqual(['much more than fits', 'much more than fitsthe rest'])
  })

  it('ends when the reader has gone away while it was full', async () => {
    const source = new PassThrough()
    const sink = new SlowReader()
    sink.on('error', () => undefined)
    const copy = copyOutput(source, sink)
    source.write('much more than fits')
    await turn()
    sink.goAway()
    await copy.ended
    expect({ full: sink.writableNeedDrain, told: source.destroyed }).toEqual({ full: true, told: true })
    await copy.giveUp()
  })

  it('ends when nothing more comes though somebody keeps the stream open', async () => {
    const source = new PassThrough()
    const sink = new PassThrough()
    const copy = copyOutput(source, sink)
    source.write('all')
    await copy.giveUp()
    expect([String(sink.read()), source.destroyed]).toEqual(['all', true])
  })

  it('reads what has come while this process did not get to run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctr-test-'))
    const server = createServer().listen(join(folder, 'socket'))
    const connected = once(server, 'connection') as Promise<[Socket]>
    const source = connect(join(folder, 'socket'))
    try {
      const [program] = await connected
      program.on('error', () => undefined)
      await once(source, 'ready')
      const sink = new PassThrough()
      const over = copyOutput(source, sink).giveUp()
      program.write('late')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
      await over
      expect(String(sink.read())).toBe('late')
      program.destroy()
    } finally {
      source.destroy()
      server.close()
      rmSync(folder, { recursive: true })
    }
  })
})
