import { describe, expect, it } from '@jest/globals'
import { explain, Program } from '@ctr/linux'
import { setKeyLabel, setLabels } from './labels.js'
import { openProc } from './proc.js'
import { setSysctls } from './sysctl.js'

function explained(add: (program: Program) => void): string[] {
  const program = new Program()
  add(program)
  return explain(program).trimEnd().split('\n')
}

const how = '{flags: O_WRONLY|O_CLOEXEC, resolve: RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS'

describe('what is written through a procfs', () => {
  it('setSysctls() writes below a procfs that nobody can reach', () => {
    expect(
      explained((program) => {
        setSysctls(
          program,
          { 'net.ipv4.ip_forward': '1', 'net/ipv4/conf/eth0.1/forwarding': '0' },
          openProc(program),
        )
      }),
    ).toEqual([
      '# open a procfs of our own',
      'fsopen("proc", FSOPEN_CLOEXEC) -> $0',
      'fsconfig($0, FSCONFIG_CMD_CREATE, NULL, NULL, 0)',
      'fsmount($0, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC) -> $2',
      'close($0)',
      '# set the sysctl net.ipv4.ip_forward',
      `openat2($2, "sys/net/ipv4/ip_forward", ${how}|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24) -> $4`,
      'write($4, "1", 1)  # at least 1',
      'close($4)',
      '# set the sysctl net/ipv4/conf/eth0.1/forwarding',
      `openat2($2, "sys/net/ipv4/conf/eth0.1/forwarding", ${how}|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24) -> $7`,
      'write($7, "0", 1)  # at least 1',
      'close($7)',
    ])
    expect(() =>
      explained((program) => {
        setSysctls(program, { 'net/../kernel/core_pattern': '|/x' }, 3)
      }),
    ).toThrow('net/../kernel/core_pattern')
  })

  it('setLabels() says what the next execve is to do', () => {
    expect(
      explained((program) => {
        setKeyLabel(program, 'u:r:t:s0', 9)
        setLabels(program, { apparmorProfile: 'ctr', selinuxLabel: 'u:r:t:s0' }, 9)
        setLabels(program, { apparmorProfile: '', selinuxLabel: '' }, 9)
      }),
    ).toEqual([
      '# set the SELinux label of keys',
      `openat2(9, "self/attr/keycreate", ${how}|RESOLVE_BENEATH}, 24) -> $0`,
      'write($0, "u:r:t:s0", 8)  # at least 8',
      'close($0)',
      '# set the AppArmor profile',
      expect.stringMatching(/^openat2\(9, "self\/attr\/(apparmor\/)?exec", .*RESOLVE_BENEATH}, 24\) -> \$3$/),
      'write($3, "exec ctr", 8)  # at least 8',
      'close($3)',
      '# set the SELinux label',
      `openat2(9, "self/attr/exec", ${how}|RESOLVE_BENEATH}, 24) -> $6`,
      'write($6, "u:r:t:s0", 8)  # at least 8',
      'close($6)',
    ])
  })
})
