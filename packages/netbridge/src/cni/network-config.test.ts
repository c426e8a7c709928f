import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { parseCniNetwork, readCniFolder } from './network-config.js'

const list = (fields: object): string =>
  JSON.stringify({ cniVersion: '1.0.0', name: 'net', plugins: [{ type: 'bridge' }], ...fields })

describe('parseCniNetwork()', () => {
  it('reads lists, single plugins, and the newest version that both know', () => {
    expect(parseCniNetwork(list({ cniVersions: ['0.4.0', '1.1.0', '9.9.9'], disableCheck: 'true' }))).toEqual(
      {
        name: 'net',
        cniVersion: '1.1.0',
        disableCheck: true,
        disableGC: false,
        plugins: [{ type: 'bridge' }],
      },
    )
    const single = '{"cniVersion":"0.3.1","name":"one","type":"bridge","mtu":1400}'
    expect(parseCniNetwork(single)).toMatchObject({ name: 'one', plugins: [{ type: 'bridge', mtu: 1400 }] })
  })

  it.each([
    ['no JSON', '{', /no JSON object/],
    ['a list', '[]', /no JSON object/],
    ['a name that is a path', list({ name: '../x' }), /its name must be/],
    ['an unknown version', list({ cniVersion: '2.0.0' }), /must be one of 0.3.0.*not "2.0.0"/],
    ['no version', list({ cniVersion: undefined }), /cniVersion must be/],
    ['versions that are none', list({ cniVersions: 'x' }), /no list/],
    ['no plugins', list({ plugins: [] }), /no plugins/],
    ['plugins that are none', list({ plugins: {} }), /no list/],
    ['a plugin that is a path', list({ plugins: [{ type: '../../bin/sh' }] }), /name of an executable/],
    ['a plugin without type', list({ plugins: [{}] }), /name of an executable/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseCniNetwork(text, 'a file')).toThrow(message)
    expect(() => parseCniNetwork(text, 'a file')).toThrow(
      expect.objectContaining({ code: 'ERR_NETBRIDGE_CNI_CONFIG' }),
    )
  })
})

describe('readCniFolder()', () => {
  it('takes files in order, first ones of a name, and says which are not to be used', () => {
    using folder = temporaryFolder()
    const write = (name: string, text: string): void => writeFileSync(join(folder.path, name), text)
    write('20-b.conflist', list({ name: 'b' }))
    write('10-a.conf', '{"cniVersion":"0.4.0","name":"a","type":"bridge"}')
    write('30-b.conflist', list({ name: 'b', plugins: [{ type: 'other' }] }))
    write('40-bad.conflist', '{')
    write('50-ignored.txt', '{')
    const { networks, unusable } = readCniFolder(folder.path)
    expect(networks.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(networks[1]!.plugins).toEqual([{ type: 'bridge' }])
    expect(unusable.map(({ message }) => message)).toEqual([expect.stringContaining('40-bad.conflist')])
    expect(readCniFolder(join(folder.path, 'none'))).toEqual({ networks: [], unusable: [] })
  })

  it('adds plugins that are files of their own, unless the network has none but its own', () => {
    using folder = temporaryFolder()
    for (const name of ['open', 'closed']) {
      mkdirSync(join(folder.path, name))
      writeFileSync(join(folder.path, name, '10.conf'), '{"type":"tuning"}')
      const loadOnlyInlinedPlugins = name === 'closed'
      writeFileSync(join(folder.path, `${name}.conflist`), list({ name, loadOnlyInlinedPlugins }))
    }
    const types = readCniFolder(folder.path).networks.map(({ plugins }) => plugins.map(({ type }) => type))
    expect(types).toEqual([['bridge'], ['bridge', 'tuning']])
  })
})
