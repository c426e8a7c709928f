import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { SharedTable } from './shared-table.js'

describe('SharedTable', () => {
  it('is the same for all that have it open, and for those who open it later', () => {
    using folder = temporaryFolder()
    const [first, second] = [new SharedTable(`${folder.path}/t`), new SharedTable(`${folder.path}/t`)]
    expect(first.get('a')).toBeUndefined()
    expect(first.entries()).toEqual([])
    first.change((table) => {
      table.set('a', '1')
      table.set('b', 'two words')
    })
    expect(second.get('b')).toBe('two words')
    second.change((table) => {
      table.delete('a')
      table.set('b', '3')
      table.delete('nothing')
    })
    expect(first.entries()).toEqual([['b', '3']])
    const third = new SharedTable(`${folder.path}/t`)
    expect(third.entries()).toEqual([['b', '3']])
    for (const table of [first, second, third]) table.close()
  })

  it('changes nothing when the change throws', () => {
    using folder = temporaryFolder()
    const table = new SharedTable(`${folder.path}/t`)
    table.change(({ set }) => set('a', '1'))
    const broken = (): void =>
      table.change(({ set, delete: remove }) => {
        set('b', '2')
        remove('a')
        throw new TypeError('enough')
      })
    expect(broken).toThrow('enough')
    expect(table.entries()).toEqual([['a', '1']])
    table.change(({ set }) => set('c', '3')) // and nobody has it locked
    expect(readFileSync(`${folder.path}/t`, 'utf8')).toBe('a 1\nc 3\n')
    table.close()
  })

  it('passes over what a killed writer has begun, and over lines that were never written', () => {
    using folder = temporaryFolder()
    writeFileSync(`${folder.path}/t`, 'a 1\n\n\0\0\0\nb\nc 3')
    const table = new SharedTable(`${folder.path}/t`)
    expect(table.entries()).toEqual([['a', '1']])
    table.change(({ set }) => set('d', '4'))
    const other = new SharedTable(`${folder.path}/t`)
    expect(other.entries()).toEqual([
      ['a', '1'],
      ['d', '4'],
    ])
    appendFileSync(`${folder.path}/t`, 'a long line that is cut of')
    table.change(({ set }) => set('e', '5'))
    expect(other.entries().map(([key]) => key)).toEqual(['a', 'd', 'e'])
    table.close()
    other.close()
  })

  it('is written anew when it has grown long, whoever else has it open', () => {
    using folder = temporaryFolder()
    const [first, second] = [new SharedTable(`${folder.path}/t`), new SharedTable(`${folder.path}/t`)]
    const deleted: string[] = []
    second.onDelete = (key) => deleted.push(key)
    first.change(({ set }) => set('kept', 'x'))
    first.change(({ set }) => set('gone', 'y'))
    expect(second.get('kept')).toBe('x')
    for (let round = 0; round < 5000; round++) {
      first.change(({ set }) => set('n', String(round)))
      if (round === 2000) first.change((table) => table.delete('gone'))
    }
    expect(statSync(`${folder.path}/t`).size).toBeLessThan(20_000)
    expect(second.entries()).toEqual([
      ['kept', 'x'],
      ['n', '4999'],
    ])
    expect(deleted).toEqual(['gone'])
    second.change((table) => table.delete('kept'))
    expect(first.get('kept')).toBeUndefined()
    first.close()
    second.close()
  })

  it('says what others have deleted, not what it has deleted itself', () => {
    using folder = temporaryFolder()
    const [first, second] = [new SharedTable(`${folder.path}/t`), new SharedTable(`${folder.path}/t`)]
    const deleted: string[] = []
    first.onDelete = (key) => deleted.push(key)
    for (const key of ['a', 'b']) first.change(({ set }) => set(key, '1'))
    first.change((table) => table.delete('a'))
    second.change((table) => table.delete('b'))
    first.refresh()
    expect(deleted).toEqual(['b'])
    first.close()
    second.close()
  })

  it('goes with its folder, and says so to those who want to change it', () => {
    using folder = temporaryFolder()
    mkdirSync(`${folder.path}/f`)
    const table = new SharedTable(`${folder.path}/f/t`)
    table.change(({ set }) => set('a', '1'))
    rmSync(`${folder.path}/f`, { recursive: true })
    expect(table.entries()).toEqual([])
    expect(() => table.change(({ set }) => set('a', '1'))).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_STATE' }),
    )
    table.close()
  })
})
