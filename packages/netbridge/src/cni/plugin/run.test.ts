import { describe, expect, it } from '@jest/globals'
import { endpointId, readNetwork } from './plugin-request.js'
import { runAsPlugin } from './run.js'

const config = { cniVersion: '1.1.0', name: 'n', type: 'ctr-cni' }
const container = { CNI_CONTAINERID: 'c', CNI_IFNAME: 'eth0', CNI_NETNS: '/proc/self/ns/net' }

async function answer(env: Record<string, string>, input: unknown): Promise<unknown> {
  const { exitCode, output } = await runAsPlugin(env, () =>
    typeof input === 'string' ? input : JSON.stringify(input),
  )
  return { exitCode, ...(JSON.parse(output) as object) }
}

describe('runAsPlugin()', () => {
  it('tells its versions', async () => {
    expect(await answer({ CNI_COMMAND: 'VERSION' }, { cniVersion: '0.4.0' })).toEqual({
      exitCode: 0,
      cniVersion: '1.1.0',
      supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    })
  })

  it.each([
    ['no command', {}, config, 4, /CNI_COMMAND/],
    ['an unknown command', { CNI_COMMAND: 'X' }, config, 4, /CNI_COMMAND: X/],
    ['no container', { CNI_COMMAND: 'ADD' }, config, 4, /CNI_CONTAINERID,CNI_IFNAME,CNI_NETNS/],
    [
      'an id that is a path',
      { ...container, CNI_COMMAND: 'DEL', CNI_CONTAINERID: '../x' },
      config,
      4,
      /CONTAINERID/,
    ],
    [
      'an impossible interface',
      { ...container, CNI_COMMAND: 'DEL', CNI_IFNAME: 'a/b' },
      config,
      4,
      /CNI_IFNAME/,
    ],
    ['malformed arguments', { ...container, CNI_COMMAND: 'ADD', CNI_ARGS: 'A' }, config, 4, /CNI_ARGS/],
    ['the namespace of the host', { ...container, CNI_COMMAND: 'ADD' }, config, 4, /CNI_NETNS/],
    [
      'a namespace that is gone',
      { ...container, CNI_COMMAND: 'ADD', CNI_NETNS: '/no' },
      config,
      3,
      /no network name/,
    ],
    ['no JSON', { ...container, CNI_COMMAND: 'ADD' }, 'rubbish', 6, /JSON/],
    [
      'an unknown version',
      { ...container, CNI_COMMAND: 'ADD' },
      { ...config, cniVersion: '9.0.0' },
      1,
      /incompatible/,
    ],
    ['no name', { ...container, CNI_COMMAND: 'ADD' }, { ...config, name: '' }, 7, /name/],
    [
      'a wrong option',
      { ...container, CNI_COMMAND: 'ADD' },
      { ...config, subnet: 7 },
      7,
      /subnet must not be 7/,
    ],
  ])('refuses %s', async (_, env, input, code, msg) => {
    expect(await answer(env, input)).toMatchObject({ exitCode: 1, code, msg: expect.stringMatching(msg) })
  })
})

describe('readNetwork()', () => {
  it('reads what runtimes want by convention', () => {
    const runtimeConfig = {
      portMappings: [
        { hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIP: '' },
        { hostPort: 0, containerPort: 81 },
      ],
      ips: ['10.1.0.5/24'],
      mac: '02:00:00:00:00:05',
      aliases: { n: ['db'], other: ['x'] },
    }
    const network = readNetwork({ ...config, mtu: 1400, runtimeConfig }, new Map([['K8S_POD_NAME', 'web']]))
    expect(network).toMatchObject({
      open: { mtu: 1400, state: '/run/ctrjs/net' },
      publish: [{ host: 8080, container: 80, protocol: 'tcp' }],
      ip: '10.1.0.5',
      mac: '02:00:00:00:00:05',
      names: ['web', 'db'],
    })
  })

  it.each([
    { runtimeConfig: { portMappings: [{ hostPort: '80', containerPort: 80 }] } },
    { runtimeConfig: { portMappings: [{ hostPort: 80, containerPort: 80, protocol: 'sctp' }] } },
    { runtimeConfig: { portMappings: {} } },
    { runtimeConfig: { ips: ['10.0.0.1', '10.0.0.2'] } },
    { runtimeConfig: { aliases: 'x' } },
    { runtimeConfig: { aliases: { n: 'x' } } },
    { prevResult: { ips: 'x' } },
    { dns: 'x' },
    { 'cni.dev/valid-attachments': [{}] },
  ])('refuses %j', (fields) => {
    expect(() => readNetwork({ ...config, ...fields }, new Map())).toThrow(
      expect.objectContaining({ cniCode: 7 }),
    )
  })
})

describe('endpointId()', () => {
  it('differs for each attachment, however long its id', () => {
    const long = 'a'.repeat(300)
    const ids = [
      endpointId('n', 'a-b', 'c'),
      endpointId('n', 'a', 'b-c'),
      endpointId('m', 'a', 'b-c'),
      endpointId('n', long, 'eth0'),
      endpointId('n', `${long}b`, 'eth0'),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/)
  })
})
