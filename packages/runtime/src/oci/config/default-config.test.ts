import { describe, expect, it } from '@jest/globals'
import { configFixture } from '../../../test/support/oci-config.js'
import { defaultConfig } from './default-config.js'

const fixture = (file: string): object => JSON.parse(configFixture(file)) as object

const written = (config: unknown): unknown => JSON.parse(JSON.stringify(config))

describe('defaultConfig()', () => {
  it("is runc's, but for the version and the host name", () => {
    const ours = { ociVersion: '1.3.0', hostname: 'ctr' }
    expect(written(defaultConfig({ cgroupNamespace: false }))).toEqual({
      ...fixture('runc-spec.json'),
      ...ours,
    })
  })

  it("is runc's for a caller without privileges, who is mapped", () => {
    const found = defaultConfig({ rootless: true, cgroupNamespace: false })
    const theirs = fixture('runc-spec-rootless.json') as { linux: object }
    const caller = { containerID: 0, size: 1 }
    expect(written(found)).toEqual({
      ...theirs,
      ociVersion: '1.3.0',
      hostname: 'ctr',
      linux: {
        ...theirs.linux,
        uidMappings: [{ ...caller, hostID: process.geteuid!() }],
        gidMappings: [{ ...caller, hostID: process.getegid!() }],
      },
    })
  })

  it('has a cgroup namespace where it is asked for', () => {
    const types = (rootless: boolean) =>
      defaultConfig({ rootless, cgroupNamespace: true }).linux?.namespaces?.map(({ type }) => type)
    expect(types(false)).toEqual(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'])
    expect(types(true)).toEqual(['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'])
  })
})
