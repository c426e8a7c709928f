import { describe, expect, it } from '@jest/globals'
import { unescapeMountField } from './unescape-mount-field.js'

describe('unescapeMountField()', () => {
  it.each([
    ['/plain', '/plain'],
    ['/a\\040b\\011c\\012d\\134e', '/a b\tc\nd\\e'],
    ['/\\134040', '/\\040'],
    ['/\\303\\244', '/ä'],
    ['/\\8', '/\\8'],
  ])('turns %j into %j', (escaped, plain) => {
    expect(unescapeMountField(escaped)).toBe(plain)
  })

  it('reads bytes that are not escaped as UTF-8', () => {
    expect(unescapeMountField(Buffer.from('/ä').toString('latin1'))).toBe('/ä')
  })
})
