import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { DocumentStore } from './document-store.js'

describe('DocumentStore', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctr-documents-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  it('keeps what was saved last, whatever order writes end in', async () => {
    const store = new DocumentStore<{ n: number }>(folder)
    await Promise.all([1, 2, 3].map((n) => store.save('a', { n })))
    await store.save('b', { n: 0 })
    await store.remove('b')
    expect(readdirSync(folder)).toEqual(['a.json'])
    expect(await new DocumentStore(folder).load()).toEqual({ documents: [{ n: 3 }], quarantined: [] })
  })

  it('puts damaged documents aside and removes half written ones', async () => {
    const store = new DocumentStore<{ n: number }>(folder)
    await store.save('good', { n: 1 })
    writeFileSync(join(folder, 'bad.json'), '{"n":')
    writeFileSync(join(folder, 'good.json.tmp'), '{')
    const { documents, quarantined } = await store.load()
    expect(documents).toEqual([{ n: 1 }])
    expect(quarantined.map(({ path }) => path)).toEqual([join(folder, 'bad.json.damaged')])
    expect(readdirSync(folder).sort()).toEqual(['bad.json.damaged', 'good.json'])
  })
})
