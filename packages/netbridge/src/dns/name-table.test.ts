import { describe, expect, it } from '@jest/globals'
import { parseIpv4 } from '../address/ipv4.js'
import { NameTable } from './name-table.js'

const id = 'ab'.repeat(32)
const table = new NameTable('Net0', { base: parseIpv4('10.1.0.0')!, prefixLength: 16 }, [
  { id, names: ['Web', 'service'], address: '10.1.0.2' },
  { id: 'db', names: ['service'], address: '10.1.0.3' },
])

describe('NameTable', () => {
  it.each(['web', 'WEB', 'web.net0', 'Web.NET0', 'ab'.repeat(6)])('knows %s', (name) => {
    expect(table.addressesOf(name)).toEqual(['10.1.0.2'])
  })

  it('knows ids that are no containers', () => {
    expect(table.addressesOf('db')).toEqual(['10.1.0.3'])
  })

  it.each([id, 'net0', '.net0', 'web.other', 'w', '', '__proto__'])('does not know %j', (name) => {
    expect(table.addressesOf(name)).toBeUndefined()
  })

  it('gives those of a common name in turns', () => {
    const firsts = [1, 2, 3, 4].map(() => table.addressesOf('service')![0])
    expect(new Set(firsts)).toEqual(new Set(['10.1.0.2', '10.1.0.3']))
    expect(firsts[0]).toBe(firsts[2])
    expect(table.addressesOf('service')).toHaveLength(2)
  })

  it('knows the names of its addresses, and that nobody has the others', () => {
    expect(table.namesOf('10.1.0.2')).toEqual(['web.net0', 'service.net0', `${'ab'.repeat(6)}.net0`])
    expect(table.namesOf('10.1.9.9')).toEqual([])
    expect(table.namesOf('10.2.0.1')).toBeUndefined()
    expect(table.namesOf('10.1.0.999')).toBeUndefined()
  })
})
