import { describe, expect, it } from '@jest/globals'
import { checkDiffId, checkRootId, Layout } from './layout.js'

describe('Layout', () => {
  it('makes paths of checked names only', () => {
    const layout = new Layout('/store')
    expect(layout.layer(`sha256:${'a'.repeat(64)}`)).toBe(`/store/layers/sha256/${'a'.repeat(64)}`)
    expect(layout.root('web-1')).toBe('/store/roots/web-1')
  })

  it.each([
    '',
    'sha256:',
    `sha256:${'A'.repeat(64)}`,
    `sha512:${'a'.repeat(64)}`,
    'sha256:../../etc',
    `sha256:${'a'.repeat(64)}\n`,
  ])('refuses the diffID %j', (diffId) => {
    expect(() => checkDiffId(diffId)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_INVALID_ARG' }))
  })

  it.each(['', '.', '..', '../a', 'a/b', '-a', 'a\0', 'a\n', 'x'.repeat(129)])('refuses the id %j', (id) => {
    expect(() => checkRootId(id)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_INVALID_ARG' }))
  })
})
