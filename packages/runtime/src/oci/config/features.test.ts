import { describe, expect, it } from '@jest/globals'
import { features } from './features.js'

describe('features()', () => {
  it('tells what this kernel has', () => {
    const found = features({ version: '1.2.3' })
    expect(found).toMatchObject({
      ociVersionMin: '1.0.0',
      ociVersionMax: '1.3.0',
      hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
      annotations: { 'dev.ctr.version': '1.2.3' },
    })
    expect(found.linux.namespaces).toEqual(
      expect.arrayContaining(['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']),
    )
    expect(found.linux.capabilities.slice(0, 2)).toEqual(['CAP_CHOWN', 'CAP_DAC_OVERRIDE'])
    expect(found.linux.capabilities).toContain('CAP_AUDIT_READ')
    expect(found.linux.seccomp).toMatchObject({
      enabled: true,
      actions: [
        'SCMP_ACT_ALLOW',
        'SCMP_ACT_ERRNO',
        'SCMP_ACT_KILL',
        'SCMP_ACT_KILL_PROCESS',
        'SCMP_ACT_KILL_THREAD',
        'SCMP_ACT_LOG',
        'SCMP_ACT_NOTIFY',
        'SCMP_ACT_TRACE',
        'SCMP_ACT_TRAP',
      ],
    })
    expect(found.linux.seccomp.supportedFlags).toEqual(
      expect.arrayContaining([
        'SECCOMP_FILTER_FLAG_TSYNC',
        'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
        'SECCOMP_FILTER_FLAG_LOG',
      ]),
    )
    expect(JSON.parse(JSON.stringify(found))).toEqual(found)
  })
})
