import { describe, expect, it } from '@jest/globals'
import { attributesOf, attributesWithTag, tagOf, type LogSource } from './source.js'

const source = (config: Record<string, string>): LogSource => ({
  id: 'a'.repeat(64),
  name: 'web',
  imageId: `sha256:${'b'.repeat(64)}`,
  imageName: 'bb:1',
  command: ['sh', '-c', 'true'],
  created: '2026-01-01T00:00:00Z',
  env: ['PATH=/bin', 'LC_ALL=C', 'EQUALS=a=b'],
  labels: { role: 'front', 'com.example.team': 'x' },
  config,
})

describe('tagOf()', () => {
  it('is the short id, or what the template says', () => {
    expect(tagOf(source({}))).toBe('a'.repeat(12))
    expect(tagOf(source({ tag: '{{.ImageName}}/{{ .Name }}/{{.ImageID}}' }))).toBe(
      `bb:1/web/${'b'.repeat(12)}`,
    )
    expect(tagOf(source({ tag: 'fixed' }))).toBe('fixed')
    expect(tagOf(source({}), '')).toBe('')
  })
})

describe('attributesOf()', () => {
  it.each(['labels-regex', 'env-regex'])('refuses a pattern of %s that takes for ever', (option) => {
    const evil = `${'a'.repeat(60)}!`
    const given = { ...source({ [option]: '^(a+)+$' }), labels: { [evil]: '' }, env: [`${evil}=`] }
    expect(() => attributesOf(given)).toThrow(`invalid log option ${option}: it takes too long`)
  })

  it('chooses labels and variables by name and by pattern', () => {
    expect(attributesOf(source({}))).toEqual({})
    expect(
      attributesOf(
        source({ labels: 'role,none', 'labels-regex': '^com\\.', env: 'EQUALS', 'env-regex': '^LC_' }),
      ),
    ).toEqual({ role: 'front', 'com.example.team': 'x', EQUALS: 'a=b', LC_ALL: 'C' })
    expect(attributesWithTag(source({ labels: 'role', tag: '{{.Name}}' }))).toEqual({
      role: 'front',
      tag: 'web',
    })
  })
})
