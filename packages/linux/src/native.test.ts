import { afterEach, describe, expect, it } from '@jest/globals'
import { architecture } from './native.js'
import { syscallNumber } from './syscall-number.js'

const { arch, platform } = process

function pretend(other: { arch?: string; platform?: string }): void {
  Object.defineProperty(process, 'arch', { value: other.arch ?? arch })
  Object.defineProperty(process, 'platform', { value: other.platform ?? platform })
}

const unsupported = expect.objectContaining({ code: 'ERR_LINUX_UNSUPPORTED' }) as unknown as Error

describe('architecture()', () => {
  afterEach(() => pretend({}))

  it('is that of the process', () => {
    expect(architecture()).toBe(arch)
    pretend({ arch: 'arm64' })
    expect(architecture()).toBe('arm64')
    expect(syscallNumber('openat')).toBe(56)
  })

  it('refuses processors without a trampoline, and systems that are not Linux', () => {
    pretend({ arch: 'riscv64' })
    expect(() => architecture()).toThrow(unsupported)
    pretend({ platform: 'darwin' })
    expect(() => architecture()).toThrow(unsupported)
    expect(() => syscallNumber('openat')).toThrow(
      'cannot make system calls on darwin: this package needs Linux',
    )
  })

  it('says which calls an architecture does not have', () => {
    pretend({ arch: 'arm64' })
    expect(() => syscallNumber('epoll_wait')).toThrow('cannot call epoll_wait: arm64 has no such system call')
  })
})
