import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { DocumentStore } from './document-store.js'

interface Counted {
  readonly n: number
}

describe('DocumentStore', () => {
  let folder: string
  const errors: unknown[] = []
  const open = (): DocumentStore<Counted> => new DocumentStore(folder, (error) => errors.push(error))
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctr-documents-'))
    errors.length = 0
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
    expect(errors).toEqual([])
  })

  it('keeps what was saved last, at once', async () => {
    const store = open()
    for (const n of [1, 2, 3]) store.save('a', { n })
    store.save('b', { n: 0 })
    store.remove('b')
    expect(readdirSync(folder)).toEqual(['a.json.new'])
    expect(await store.load()).toEqual({ documents: [{ n: 3 }], quarantined: [] })
    await store.settled()
    expect(await store.load()).toEqual({ documents: [{ n: 3 }], quarantined: [] })
  })

  it('has one file a document once all is on disk', async () => {
    const store = open()
    store.save('a', { n: 1 })
    await store.settled()
    expect(readdirSync(folder)).toEqual(['a.json'])
    store.save('a', { n: 2 })
    const settled = store.settled()
    store.save('a', { n: 3 })
    await settled
    await store.settled()
    expect(readdirSync(folder)).toEqual(['a.json'])
    expect(JSON.parse(readFileSync(join(folder, 'a.json'), 'utf8'))).toEqual({ n: 3 })
  })

  it('writes one that may wait as it is when it is written, and none that is removed before', async () => {
    const store = open()
    const document = { n: 1 }
    store.saveSoon('a', document)
    store.saveSoon('b', document)
    expect(readdirSync(folder)).toEqual([])
    document.n = 2
    store.remove('b')
    await store.settled()
    expect(await open().load()).toEqual({ documents: [{ n: 2 }], quarantined: [] })
    expect(readdirSync(folder)).toEqual(['a.json'])
  })

  it('does not let an older state that waited win over a newer one', async () => {
    const store = open()
    store.saveSoon('a', { n: 1 })
    store.save('a', { n: 2 })
    await store.settled()
    expect((await open().load()).documents).toEqual([{ n: 2 }])
  })

  it('takes the document before where the newest was cut off', async () => {
    const store = open()
    store.save('a', { n: 1 })
    await store.settled()
    writeFileSync(join(folder, 'a.json.new'), '')
    expect(await open().load()).toEqual({ documents: [{ n: 1 }], quarantined: [] })
    expect(readdirSync(folder)).toEqual(['a.json'])
  })

  it('puts damaged documents aside and removes half written ones', async () => {
    const store = open()
    store.save('good', { n: 1 })
    await store.settled()
    writeFileSync(join(folder, 'bad.json'), '{"n":')
    writeFileSync(join(folder, 'new.json.new'), '')
    writeFileSync(join(folder, 'good.json.tmp'), '{')
    const { documents, quarantined } = await open().load()
    expect(documents).toEqual([{ n: 1 }])
    const aside = ['bad.json.damaged', 'new.json.damaged']
    expect(quarantined.map(({ path }) => path).sort()).toEqual(aside.map((name) => join(folder, name)))
    expect(readdirSync(folder).sort()).toEqual([...aside, 'good.json'].sort())
  })

  it('tells once of what cannot be written later, goes on, and tries again until it can', async () => {
    const store = new DocumentStore<unknown>(folder, (error) => told.push(error))
    const told: unknown[] = []
    const endless: { self?: unknown } = {}
    endless.self = endless
    store.saveSoon('a', endless)
    store.saveSoon('b', { n: 1 })
    const written = (): readonly string[] => readdirSync(folder).map((name) => name.slice(0, 1))
    while (!written().includes('b')) await sleep(20)
    expect(told).toHaveLength(1)
    delete endless.self
    while (!written().includes('a')) await sleep(20)
    expect(told).toHaveLength(1)
    await store.settled()
    expect((await open().load()).documents).toEqual(expect.arrayContaining([{ n: 1 }, {}]))
  })
})
