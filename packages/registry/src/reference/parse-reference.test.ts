import { describe, expect, it } from '@jest/globals'
import { thrown } from '../../test/support/thrown.js'
import { isRegistryError } from '../errors.js'
import { formatReference } from './format-reference.js'
import { checkReference, parseReference, parseRegistry } from './parse-reference.js'

const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

describe('parseReference()', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest'],
    ['busybox:1.36', 'docker.io', 'library/busybox', '1.36'],
    ['team/app', 'docker.io', 'team/app', 'latest'],
    ['docker.io/busybox', 'docker.io', 'library/busybox', 'latest'],
    ['index.docker.io/busybox:a', 'docker.io', 'library/busybox', 'a'],
    ['localhost/app', 'localhost', 'app', 'latest'],
    ['localhost:5000/app:2', 'localhost:5000', 'app', '2'],
    ['localhost:5000', 'docker.io', 'library/localhost', '5000'],
    ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000', 'a/b/c', 'latest'],
    ['[::1]:5000/app', '[::1]:5000', 'app', 'latest'],
    ['[2001:db8::1]/app:x', '[2001:db8::1]', 'app', 'x'],
    ['ghcr.io/team/app', 'ghcr.io', 'team/app', 'latest'],
    ['Host/app', 'Host', 'app', 'latest'],
    ['a__b/c.d-e---f_g', 'docker.io', 'a__b/c.d-e---f_g', 'latest'],
    ['xn--n3h.com/app', 'xn--n3h.com', 'app', 'latest'],
    ['app:_.-TAG', 'docker.io', 'library/app', '_.-TAG'],
  ])('reads %s', (text, registry, repository, tag) => {
    expect(parseReference(text)).toEqual({ registry, repository, tag })
  })

  it('reads a digest, alone and behind a tag', () => {
    const digest = `sha256:${hex}`
    expect(parseReference(`busybox@${digest}`)).toEqual({
      registry: 'docker.io',
      repository: 'library/busybox',
      digest,
    })
    expect(parseReference(`h.io/a:1@${digest}`)).toEqual({
      registry: 'h.io',
      repository: 'a',
      tag: '1',
      digest,
    })
    const long = `sha512:${hex}${hex}`
    expect(parseReference(`a@${long}`).digest).toBe(long)
  })

  it.each([
    '',
    ' ',
    'a b',
    'App',
    'team/App',
    'docker.io/Team/app',
    'a:',
    'a:b:c',
    ':tag',
    '@sha256:1',
    'a@',
    '-a',
    'a-',
    'a..b',
    'a___b',
    'a._b',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/../b',
    './a',
    'a:.b',
    'a:-b',
    'h.io/',
    'h.io:99999/a',
    'h.io:x/a',
    '-h.io/a',
    'h_h.io/a',
    '[::1/a',
    'https://h.io/a',
    'user@h.io/a',
    hex,
    `a:${'b'.repeat(129)}`,
    'a'.repeat(256),
    `h.io/${'a'.repeat(256)}`,
    'x'.repeat(100_000),
    'a\0',
    'a\n',
    'ä',
    `a@sha256:${hex.toUpperCase()}`,
    `a@sha256:${hex}0`,
    `a@md5:${hex.slice(0, 32)}`,
    `a@sha256:${hex}@sha256:${hex}`,
  ])('refuses %j', (text) => {
    expect(thrown(() => parseReference(text))).toMatchObject({ name: 'RegistryError' })
  })

  it('says that a repository is written in lower case', () => {
    expect(() => parseReference('team/App')).toThrow(
      'cannot read reference "team/App": a repository is written in lower case',
    )
  })

  it('survives rubbish, and what it takes it writes and reads again the same', () => {
    const alphabet = [
      'a',
      'b9',
      'Z',
      '.',
      '-',
      '--',
      '_',
      '__',
      '/',
      ':',
      '@',
      '[',
      ']',
      '::1',
      '5000',
      'localhost',
      'docker.io',
      'library',
      `sha256:${hex}`,
      ' ',
      '\0',
      'é',
      '..',
    ]
    let seed = 42
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * below)
    }
    let taken = 0
    for (let round = 0; round < 50_000; round++) {
      const text = Array.from({ length: 1 + random(8) }, () => alphabet[random(alphabet.length)]).join('')
      let reference
      try {
        reference = parseReference(text)
      } catch (error) {
        if (!isRegistryError(error)) throw error
        continue
      }
      taken++
      expect(parseReference(formatReference(reference))).toEqual(reference)
      expect(parseReference(formatReference(reference, { short: true }))).toEqual(reference)
      expect(`${reference.repository}/${reference.tag ?? ''}`).toMatch(/^[a-z0-9][a-z0-9._/-]*\/[\w.-]*$/)
      expect(reference.repository.split('/')).not.toContain('..')
    }
    expect(taken).toBeGreaterThan(1000)
  })

  it('takes no time that grows with the square of the input', () => {
    const start = performance.now()
    for (const unit of ['a-', 'a_', 'a.', 'a/', '-', ':', '@', '[:']) {
      expect(() => parseReference(unit.repeat(512))).toThrow()
    }
    expect(performance.now() - start).toBeLessThan(500)
  })
})

describe('formatReference()', () => {
  it.each([
    ['busybox', 'busybox:latest'],
    ['team/app:1', 'team/app:1'],
    ['localhost:5000/library/app', 'localhost:5000/library/app:latest'],
    ['docker.io/localhost/app', 'docker.io/localhost/app:latest'],
  ])('shortens %s to %s', (text, short) => {
    expect(formatReference(parseReference(text), { short: true })).toBe(short)
  })
})

describe('checkReference()', () => {
  it('refuses objects that would be read as something else', () => {
    expect(() => checkReference({ registry: 'nodots', repository: 'a' })).toThrow(
      'would not be read as a registry',
    )
    expect(() => checkReference({ registry: 'h.io', repository: '../a' })).toThrow()
    expect(() => parseRegistry('h.io/a')).toThrow()
    expect(parseRegistry('[::1]:5000')).toBe('[::1]:5000')
  })
})
