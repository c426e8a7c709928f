import { describe, expect, it } from '@jest/globals'
import { thrown } from '../../test/support/thrown.js'
import { digestOf, isDigest, parseDigest } from './digest.js'
import { parseImageConfig } from './image-config.js'
import { isIndex, maxManifestBytes, parseManifest } from './manifest.js'
import { mediaTypes } from './media-types.js'
import { formatPlatform, hostPlatform, parsePlatform, selectPlatform } from './platform.js'

const blob = { mediaType: mediaTypes.ociConfig, digest: digestOf('x'), size: 1 }
const manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: blob,
  layers: [{ ...blob, mediaType: mediaTypes.ociLayer }],
}
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

describe('parseManifest()', () => {
  it('reads manifests and indexes of OCI and Docker', () => {
    expect(parseManifest(bytes(manifest))).toEqual(manifest)
    const { mediaType: _, ...bare } = manifest
    expect(parseManifest(bytes(bare), mediaTypes.dockerManifest).mediaType).toBe(mediaTypes.dockerManifest)
    const index = parseManifest(bytes({ schemaVersion: 2, manifests: null }), 'application/json')
    expect(isIndex(index) && index.mediaType).toBe(mediaTypes.ociIndex)
  })

  it.each([
    ['no JSON', 'x{'],
    ['no object', '[]'],
    ['schema 1', JSON.stringify({ schemaVersion: 1, fsLayers: [] })],
    ['manifest and index at once', JSON.stringify({ ...manifest, manifests: [] })],
    [
      'index and manifest at once',
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [], layers: [] }),
    ],
    [
      'a digest with a path',
      JSON.stringify({ ...manifest, config: { ...blob, digest: 'sha256:../../etc/passwd' } }),
    ],
    ['a negative size', JSON.stringify({ ...manifest, config: { ...blob, size: -1 } })],
    ['a fractional size', JSON.stringify({ ...manifest, config: { ...blob, size: 1.5 } })],
    ['a huge size', JSON.stringify({ ...manifest, config: { ...blob, size: 2 ** 60 } })],
    ['layers that are no list', JSON.stringify({ ...manifest, layers: { 0: blob } })],
    ['an unknown type', JSON.stringify({ ...manifest, mediaType: 'text/plain' })],
  ])('refuses %s', (_, text) => {
    expect(thrown(() => parseManifest(Buffer.from(text)))).toMatchObject({
      code: 'ERR_REGISTRY_BAD_MANIFEST',
    })
  })

  it('refuses a type other than it was served with, and more than 4 MiB', () => {
    expect(() => parseManifest(bytes(manifest), mediaTypes.ociIndex)).toThrow('the type it was served with')
    expect(() => parseManifest(Buffer.alloc(maxManifestBytes + 1))).toThrow('at most')
  })

  it('takes annotations named like members of objects as plain data', () => {
    const text = JSON.stringify({ ...manifest, annotations: {} }).replace(
      '"annotations":{}',
      '"annotations":{"__proto__":"x"}',
    )
    expect(Object.entries(parseManifest(Buffer.from(text)).annotations ?? {})).toEqual([['__proto__', 'x']])
  })
})

describe('parseImageConfig()', () => {
  it('reads what running needs, and takes null for missing', () => {
    const config = {
      Cmd: ['sh'],
      Entrypoint: null,
      Env: null,
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      Labels: { a: 'b' },
    }
    const parsed = parseImageConfig(
      bytes({
        os: 'linux',
        architecture: 'amd64',
        config,
        rootfs: { type: 'layers', diff_ids: [digestOf('a')] },
        extra: 1,
      }),
    )
    expect(parsed.config).toEqual({
      Cmd: ['sh'],
      ExposedPorts: ['80/tcp'],
      Volumes: ['/data'],
      Labels: { a: 'b' },
    })
    expect(parsed.rootfs.diff_ids).toEqual([digestOf('a')])
  })

  it.each([
    [{ os: 'linux', architecture: 'amd64' }],
    [{ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: ['../x'] } }],
    [{ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [] }, config: { Env: 'A=b' } }],
    [{ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [] }, config: { Cmd: [1] } }],
    [{ os: 1, architecture: 'amd64', rootfs: { diff_ids: [] } }],
  ])('refuses %j', (json) => {
    expect(thrown(() => parseImageConfig(bytes(json)))).toMatchObject({ code: 'ERR_REGISTRY_BAD_MANIFEST' })
  })
})

describe('parseDigest()', () => {
  it('takes only what is safe in a path', () => {
    expect(parseDigest(digestOf(''))).toEqual({
      algorithm: 'sha256',
      hex: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    })
    for (const wrong of [
      '',
      'sha256:',
      `sha256:${'A'.repeat(64)}`,
      `sha256:${'a'.repeat(63)}\n`,
      `sha1:${'a'.repeat(40)}`,
      `__proto__:${'a'.repeat(64)}`,
    ]) {
      expect(isDigest(wrong)).toBe(false)
    }
  })
})

describe('selectPlatform()', () => {
  const entries = [
    'linux/amd64',
    'linux/arm/v6',
    'linux/arm/v7',
    'linux/arm64/v8',
    'linux/amd64/v3',
    'unknown/unknown',
  ].map((text) => ({ platform: parsePlatform(text) }))
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/amd64/v2', 'linux/amd64'],
    ['linux/amd64/v4', 'linux/amd64/v3'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['aarch64', 'linux/arm64/v8'],
    ['linux/x86_64', 'linux/amd64'],
  ])('gives %s the entry %s', (wanted, expected) => {
    expect(formatPlatform(selectPlatform(entries, parsePlatform(wanted))!.platform)).toBe(expected)
  })

  it('gives nothing for another system, a lower level or rubbish', () => {
    expect(selectPlatform(entries, parsePlatform('windows/amd64'))).toBeUndefined()
    expect(selectPlatform(entries, parsePlatform('linux/arm/v5'))).toBeUndefined()
    expect(() => parsePlatform('a/b/c/d')).toThrow('os/architecture')
    expect(hostPlatform().os).toBe('linux')
  })
})
