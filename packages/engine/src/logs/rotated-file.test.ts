import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { gunzipSync } from 'node:zlib'
import { plainCodec } from './codec.js'
import type { LogQuery } from './entry.js'
import { readLog } from './read-log.js'
import { RotatedFile, type RotationLimits } from './rotated-file.js'

const time = '2026-01-02T03:04:05.000000000Z'
const everything: LogQuery = {
  streams: new Set(['stdout', 'stderr']),
  follow: false,
  tail: undefined,
  since: 0n,
  until: 0n,
}
const entry = (n: number, at = time): Buffer =>
  plainCodec.encode({ text: `line ${n}\n`, stream: 'stdout', time: at })
const size = entry(10).length

async function read(file: RotatedFile, query: Partial<LogQuery> = {}): Promise<number[]> {
  const numbers: number[] = []
  for await (const { log } of readLog(
    file,
    plainCodec,
    { ...everything, ...query },
    { running: () => false },
  ))
    numbers.push(Number(log.slice('line '.length)))
  return numbers
}

function open(path: string, limits: Partial<RotationLimits> = {}, errors: unknown[] = []): RotatedFile {
  const all = { maxSize: undefined, maxFiles: 1, compress: false, ...limits }
  return new RotatedFile(path, all, (error) => errors.push(error))
}

const from = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n)

describe('RotatedFile', () => {
  it('begins a new file when one is full, and keeps so many', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/log`
    const file = open(path, { maxSize: size * 3, maxFiles: 3 })
    await file.append(Buffer.concat(from(10, 20).map((n) => entry(n))))
    await file.close()
    expect(readdirSync(folder.path).sort()).toEqual(['log', 'log.1', 'log.2'])
    expect(readFileSync(`${path}.1`).length).toBe(size * 3)
    expect(await read(file)).toEqual(from(13, 20))
    // the next daemon goes on where this one was
    const next = open(path, { maxSize: size * 3, maxFiles: 3 })
    await next.append(entry(21))
    await next.append(entry(22))
    await next.close()
    expect(await read(next)).toEqual(from(16, 22))
  })

  it('compresses files that are full', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/log`
    const file = open(path, { maxSize: size * 2, maxFiles: 4, compress: true })
    for (const n of from(10, 17)) await file.append(entry(n))
    await file.close()
    expect(readdirSync(folder.path).sort()).toEqual(['log', 'log.1.gz', 'log.2.gz', 'log.3.gz'])
    expect(gunzipSync(readFileSync(`${path}.3.gz`)).length).toBe(size * 2)
    expect(await read(file)).toEqual(from(10, 17))
  })

  it('keeps one file by removing it', async () => {
    using folder = temporaryFolder()
    const file = open(`${folder.path}/log`, { maxSize: size * 2 })
    await file.append(Buffer.concat(from(10, 14).map((n) => entry(n))))
    await file.close()
    expect(readdirSync(folder.path)).toEqual(['log'])
    expect(await read(file)).toEqual([14])
  })

  it('reports once that it cannot write, and goes on when it can', async () => {
    using folder = temporaryFolder()
    const errors: unknown[] = []
    writeFileSync(`${folder.path}/blocked`, '')
    const file = open(`${folder.path}/blocked/log`, {}, errors)
    await file.append(entry(1))
    await file.close()
    await file.append(entry(2))
    await file.close()
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({
      message: `cannot write ${folder.path}/blocked/log: output is lost`,
      cause: { code: expect.stringMatching(/ENOTDIR|EEXIST/) as unknown },
    })
  })

  it('makes whoever writes wait when too much waits for the disk', async () => {
    using folder = temporaryFolder()
    const file = open(`${folder.path}/log`)
    const large = Buffer.concat(Array.from({ length: 20_000 }, () => entry(10)))
    const first = file.append(large)
    const busy = file.append(large)
    expect([first, busy].some((wait) => wait !== undefined)).toBe(true)
    await file.close()
    expect(readFileSync(`${folder.path}/log`).length).toBe(2 * large.length)
  })
})

describe('readLog()', () => {
  it.each([false, true])(
    'finds the last entries in whichever file they begin (compressed: %s)',
    async (compress) => {
      using folder = temporaryFolder()
      const file = open(`${folder.path}/log`, { maxSize: size * 3, maxFiles: 5, compress })
      for (const n of from(10, 20)) await file.append(entry(n))
      await file.close()
      for (const tail of [0, 1, 2, 3, 5, 8, 11, 12, 1000])
        expect(await read(file, { tail })).toEqual(from(Math.max(10, 21 - tail), 20))
    },
  )

  it('finds the last entries of a file that is larger than what is read at once', async () => {
    using folder = temporaryFolder()
    const file = open(`${folder.path}/log`)
    await file.append(Buffer.concat(from(1, 20_000).map((n) => entry(n))))
    await file.close()
    expect(await read(file, { tail: 9000 })).toEqual(from(11_001, 20_000))
    expect(await read(file, { tail: 20_000 })).toEqual(from(1, 20_000))
  })

  it('leaves out what is too old, too new, of another stream, or no entry', async () => {
    using folder = temporaryFolder()
    const file = open(`${folder.path}/log`)
    const at = (second: number): string => `2026-01-02T03:04:0${second}.000000000Z`
    const nanos = (second: number): bigint => BigInt(Date.parse(at(second))) * 1_000_000n
    for (const n of from(1, 5)) await file.append(entry(n, at(n)))
    await file.append(Buffer.from('damaged\n'))
    await file.append(plainCodec.encode({ text: 'line 6\n', stream: 'stderr', time: at(5) }))
    await file.close()
    expect(await read(file, { since: nanos(2), until: nanos(4) })).toEqual([2, 3, 4])
    expect(await read(file, { streams: new Set(['stderr']) })).toEqual([6])
    expect(await read(open(`${folder.path}/none`))).toEqual([])
  })

  it('follows through rotations, also when it is slower than they are', async () => {
    using folder = temporaryFolder()
    const file = open(`${folder.path}/log`, { maxSize: size * 2, maxFiles: 100, compress: true })
    let running = true
    const seen: number[] = []
    const reader = (async () => {
      const source = { running: () => running }
      for await (const { log } of readLog(file, plainCodec, { ...everything, follow: true }, source)) {
        seen.push(Number(log.slice('line '.length)))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (const n of from(10, 89)) {
      await file.append(entry(n))
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await file.close()
    running = false
    file.wake()
    await reader
    expect(seen).toEqual(from(10, 89))
    expect(existsSync(`${folder.path}/log.39.gz`)).toBe(true)
  })

  it('ends when whoever follows has gone', async () => {
    using folder = temporaryFolder()
    const file = open(`${folder.path}/log`)
    const gone = new AbortController()
    const reader = readLog(
      file,
      plainCodec,
      { ...everything, follow: true },
      { running: () => true, signal: gone.signal },
    )
    const next = reader.next()
    gone.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })
})
