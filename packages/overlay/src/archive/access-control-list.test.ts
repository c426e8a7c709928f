import { describe, expect, it } from '@jest/globals'
import { accessControlList } from './access-control-list.js'

const listed = (text: string): readonly string[] | undefined => {
  const bytes = accessControlList(text)
  if (bytes === undefined) return undefined
  expect(bytes.readUInt32LE()).toBe(2)
  return Array.from({ length: (bytes.length - 4) / 8 }, (_, index) => {
    const at = 4 + 8 * index
    const id = bytes.readUInt32LE(at + 4)
    return `${bytes.readUInt16LE(at)}:${id === 0xffffffff ? '' : id}:${bytes.readUInt16LE(at + 2)}`
  })
}

describe('accessControlList()', () => {
  it('reads lists as GNU tar and as star write them', () => {
    const expected = ['1::6', '2:10:7', '2:1000:4', '4::4', '8:7:0', '16::5', '32::1']
    expect(listed('user::rw-,user:1000:r--,user:10:rwx,group::r--,group:7:---,mask::r-x,other::--x')).toEqual(
      expected,
    )
    expect(
      listed(
        'user::rw-\nuser:lisa:r--:1000\nu:bob:rwx:10\ngroup::r--\ng:x:---:7 #effective:---\nmask:r-x\nother::--x\n',
      ),
    ).toEqual(expected)
  })

  it('leaves out whom it does not know, and knows root', () => {
    expect(listed('user::rw-,user:lisa:rwx,user:root:r--,group::---,mask::rwx,other::---')).toEqual([
      '1::6',
      '2:0:4',
      '4::0',
      '16::7',
      '32::0',
    ])
  })

  it.each(['', 'user', 'user:', 'nobody::rwx', 'user::rwz', 'user::7', 'constructor::rwx'])(
    'knows that %j is none',
    (text) => {
      expect(accessControlList(text)).toBeUndefined()
    },
  )
})
