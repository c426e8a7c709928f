import { describe, expect, it } from '@jest/globals'
import { formatState, parseState, type ContainerState } from './container-state.js'

const state: ContainerState = {
  id: 'box',
  ociVersion: '1.2.0',
  bundle: '/bundles/box',
  rootfs: '/bundles/box/rootfs',
  created: '2026-11-23T10:00:00.000Z',
  pid: 4242,
  startTicks: '123456',
  bootId: '0d6a7f0e-65a1-4b1f-9d39-1f1d1e6f2d11',
  annotations: { key: 'value' },
  cgroupManager: 'cgroupfs',
  cgroupPaths: { memory: '/sys/fs/cgroup/memory/box' },
  intelRdtPath: '',
  externalDescriptors: ['/dev/null', 'pipe:[1]', 'pipe:[2]'],
  terminal: false,
  rootless: false,
}

describe('formatState()', () => {
  it('is read back as it was', () => {
    expect(parseState(formatState(state), 'state.json')).toEqual(state)
    const unborn = { ...state, pid: null, startTicks: null }
    expect(parseState(formatState(unborn), 'state.json')).toEqual(unborn)
  })

  it('has the names that other tools read', () => {
    expect(JSON.parse(formatState(state))).toMatchObject({
      id: 'box',
      init_process_pid: 4242,
      init_process_start: 123456,
      created: '2026-11-23T10:00:00.000Z',
      cgroup_paths: { memory: '/sys/fs/cgroup/memory/box' },
      namespace_paths: { NEWNS: '/proc/4242/ns/mnt', NEWNET: '/proc/4242/ns/net' },
      external_descriptors: ['/dev/null', 'pipe:[1]', 'pipe:[2]'],
      intel_rdt_path: '',
    })
  })
})

describe('parseState()', () => {
  const changed = (change: Record<string, unknown>): string =>
    JSON.stringify({ ...(JSON.parse(formatState(state)) as object), ...change })

  it.each([
    ['', 'it is not JSON'],
    [formatState(state).slice(0, -20), 'it is not JSON'],
    ['null', 'it is not an object'],
    ['[]', 'it is not an object'],
    ['{}', 'init_process_start is missing'],
    [changed({ init_process_pid: -1 }), 'init_process_pid'],
    [changed({ init_process_pid: 0 }), 'init_process_pid'],
    [changed({ init_process_pid: 1 }), 'init_process_pid'],
    [changed({ init_process_pid: 1.5 }), 'init_process_pid'],
    [changed({ init_process_pid: '5' }), 'init_process_pid'],
    [changed({ annotations: { a: 1 } }), 'annotations'],
    [changed({ cgroup_paths: [] }), 'cgroup_paths'],
    [changed({ cgroupManager: 'none' }), 'cgroupManager'],
    [changed({ external_descriptors: [1] }), 'external_descriptors'],
  ])('says what is wrong with %j', (text, why) => {
    expect(() => parseState(text, '/run/x/state.json')).toThrow(
      expect.objectContaining({
        code: 'ERR_RUNTIME_STATE',
        message: expect.stringContaining(`cannot read /run/x/state.json: ${why}`),
      }),
    )
  })
})
