import { describe, expect, it } from '@jest/globals'
import { parseJsonBody } from './json-body.js'

describe('parseJsonBody', () => {
  it('takes an empty body for none', () => {
    expect(parseJsonBody(' \n')).toBeUndefined()
    expect(parseJsonBody('{"a":[1]}')).toEqual({ a: [1] })
  })

  it('refuses what is no JSON, and what is too deep', () => {
    expect(() => parseJsonBody('{')).toThrow('invalid JSON')
    expect(() => parseJsonBody('['.repeat(65) + ']'.repeat(65))).toThrow('more than 64 levels')
    expect(parseJsonBody(JSON.stringify({ a: '['.repeat(100), b: '\\"[' }))).toBeDefined()
  })

  it('leaves out what would change prototypes', () => {
    const parsed = parseJsonBody('{"__proto__":{"x":1},"y":2}') as { readonly x?: number }
    expect(parsed.x).toBeUndefined()
    expect(Object.keys(parsed)).toEqual(['y'])
  })
})
