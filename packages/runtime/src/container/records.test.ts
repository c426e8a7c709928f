import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { ContainerRecord } from './record.js'
import { ContainerRecords } from './records.js'

const a = 'a'.repeat(64)
const b = `ab${'0'.repeat(62)}`

function record(id: string, name: string): ContainerRecord {
  return { id, name, createdAt: '' } as unknown as ContainerRecord
}

describe('ContainerRecords', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctr-records-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  it('finds by name what this process and another have written', () => {
    const records = new ContainerRecords(folder)
    const other = new ContainerRecords(folder)
    records.save(record(a, 'one'))
    expect([records.idOf('one'), other.idOf('one'), records.idOf('two')]).toEqual([a, a, undefined])
    other.save(record(a, 'other'))
    other.save(record(b, 'one'))
    expect([records.idOf('one'), records.idOf('other')]).toEqual([b, a])
    records.save(record(a, 'again'))
    expect([records.idOf('other'), records.idOf('again')]).toEqual([undefined, a])
    records.remove(b)
    expect(records.idOf('one')).toBeUndefined()
  })

  it('finds by id, by its beginning, and refuses one that several have', () => {
    const records = new ContainerRecords(folder)
    records.save(record(a, 'one'))
    records.save(record(b, 'two'))
    expect([a, 'aa', 'one'].map((wanted) => records.find(wanted).id)).toEqual([a, a, a])
    expect(() => records.find('a')).toThrow('cannot find container a: 2 ids begin so')
    expect(() => records.find('three')).toThrow('cannot find container three: there is none')
  })

  it('goes on beside a record that is damaged, and says so of that one', () => {
    const records = new ContainerRecords(folder)
    records.save(record(a, 'one'))
    writeFileSync(join(folder, 'new'), '{')
    renameSync(join(folder, 'new'), join(folder, `${b}.json`))
    expect(records.idOf('one')).toBe(a)
    expect(records.list().map(({ id }) => id)).toEqual([a])
    expect(() => records.find(b)).toThrow('it is damaged')
  })

  it.each(['', '\0\0\0', '{"id":'])('puts a record aside that a power cut has left as %j', (text) => {
    const records = new ContainerRecords(folder)
    records.save(record(a, 'one'))
    const file = join(folder, `${b}.json`)
    writeFileSync(file, text)
    expect(() => records.load(b)).toThrow(
      expect.objectContaining({
        code: 'ERR_RUNTIME_STATE',
        message: expect.stringContaining(`${file}.damaged`),
      }),
    )
    for (let times = 0; times < 2; times++) records.setAside(b)
    expect(readdirSync(folder).sort()).toEqual([`${a}.json`, `${b}.json.damaged`])
    expect(records.list().map(({ id }) => id)).toEqual([a])
    expect(records.idOf('one')).toBe(a)
    expect([records.has(b), records.ids().sort()]).toEqual([true, [a, b]])
    expect(() => records.find(b)).toThrow('it is damaged')
    expect(() => records.find('ab')).toThrow('it is damaged')
    records.save(record(b, 'two'))
    records.sweep()
    expect(readdirSync(folder).sort()).toEqual([`${a}.json`, `${b}.json`])
  })

  it('removes a damaged record as any other', () => {
    const records = new ContainerRecords(folder)
    writeFileSync(join(folder, `${b}.json`), '')
    records.setAside(b)
    records.removeDamaged(b)
    expect(readdirSync(folder)).toEqual([])
    expect(() => records.find(b)).toThrow('there is none')
  })
})
