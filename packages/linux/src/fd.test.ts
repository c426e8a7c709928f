import { closeSync, fstatSync, openSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { Fd } from './fd.js'

describe('Fd', () => {
  it('closes its descriptor at the end of the block', () => {
    const number = openSync('/dev/null', 'r')
    {
      using fd = new Fd(number)
      expect(fd.number).toBe(number)
    }
    expect(() => fstatSync(number)).toThrow(expect.objectContaining({ code: 'EBADF' }))
  })

  it('closes once', () => {
    const fd = new Fd(openSync('/dev/null', 'r'))
    fd.close()
    const taken = openSync('/dev/null', 'r') // most likely has the same number
    fd.close()
    expect(fstatSync(taken).isCharacterDevice()).toBe(true)
    closeSync(taken)
  })

  it('gives its descriptor away', () => {
    const fd = new Fd(openSync('/dev/null', 'r'))
    const number = fd.release()
    fd.close()
    expect(fstatSync(number).isCharacterDevice()).toBe(true)
    closeSync(number)
  })

  it('refuses its number once it is closed', () => {
    const fd = new Fd(openSync('/dev/null', 'r'))
    fd.close()
    expect(() => fd.number).toThrow(expect.objectContaining({ code: 'ERR_LINUX_CLOSED' }))
  })
})
