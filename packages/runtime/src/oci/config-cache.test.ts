import { describe, expect, it } from '@jest/globals'
import { ConfigCache } from './config-cache.js'

const text = (more: object = {}): string =>
  JSON.stringify({
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    process: { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } },
    ...more,
  })

describe('ConfigCache', () => {
  it('gives the same config for the same text, with the same warnings', () => {
    const cache = new ConfigCache({ rootless: false })
    const process = {
      args: ['true'],
      cwd: '/',
      user: { uid: 0, gid: 0 },
      capabilities: { bounding: ['CAP_NONE'] },
    }
    const first = cache.read(text({ process }))
    expect(first.warnings).toHaveLength(1)
    expect(cache.read(text({ process }))).toBe(first)
    expect(cache.get(text({ process }))).toBe(first.config)
    expect(cache.read(text({ annotations: { name: 'other' } })).config.annotations).toEqual({ name: 'other' })
    expect(cache.get('{}')).toBeUndefined()
  })

  it('reads mounts with their options', () => {
    const mounts = [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] }]
    const [proc] = new ConfigCache({ rootless: false }).read(text({ mounts })).mounts
    expect(proc).toMatchObject({ mount: mounts[0], options: { attributesSet: 2 } })
  })

  it('keeps those that were used last', () => {
    const cache = new ConfigCache({ rootless: false })
    const first = cache.read(text({ annotations: { name: 'h0' } }))
    for (let n = 1; n < 9; n++) {
      cache.read(text({ annotations: { name: `h${n}` } }))
      expect(cache.read(text({ annotations: { name: 'h0' } }))).toBe(first)
    }
    expect(cache.get(text({ annotations: { name: 'h1' } }))).toBeUndefined()
    expect(cache.get(text({ annotations: { name: 'h8' } }))).toBeDefined()
  })

  it('does not keep what depends on the host, is long, or is wrong', () => {
    const cache = new ConfigCache({ rootless: false })
    const joining = text({ linux: { namespaces: [{ type: 'network', path: '/proc/self/ns/net' }] } })
    expect(cache.read(joining)).not.toBe(cache.read(joining))
    const long = text({ annotations: { long: 'x'.repeat(300_000) } })
    expect(cache.read(long)).not.toBe(cache.read(long))
    for (let n = 0; n < 2; n++) expect(() => cache.read('{}')).toThrow('ociVersion')
  })
})
