import { describe, expect, it } from '@jest/globals'
import { extendedAttributes } from './extended-attributes.js'

function names(...keys: readonly string[]): string[] {
  const records = new Map(keys.map((key) => [key, Buffer.from('v')]))
  return extendedAttributes('file', records).map(({ name }) => name)
}

describe('extendedAttributes()', () => {
  it('keeps capabilities, user attributes and ACLs', () => {
    expect(
      names(
        'path',
        'SCHILY.xattr.security.capability',
        'SCHILY.xattr.user.mime_type',
        'SCHILY.xattr.system.posix_acl_access',
        'SCHILY.xattr.system.posix_acl_default',
      ),
    ).toEqual([
      'security.capability',
      'user.mime_type',
      'system.posix_acl_access',
      'system.posix_acl_default',
    ])
  })

  it('leaves out labels that belong to the host, and what it does not know', () => {
    expect(
      names('SCHILY.xattr.security.selinux', 'SCHILY.xattr.system.nfs4_acl', 'SCHILY.xattr.user.'),
    ).toEqual([])
  })

  it.each(['trusted.overlay.redirect', 'trusted.overlay.opaque', 'trusted.x', 'user.overlay.opaque'])(
    'refuses %s',
    (name) => {
      expect(() => names(`SCHILY.xattr.${name}`)).toThrow(
        `an archive cannot set the extended attribute ${name}`,
      )
    },
  )

  it('refuses names that the kernel cannot take', () => {
    expect(() => names(`SCHILY.xattr.user.${'x'.repeat(255)}`)).toThrow('impossible name')
    expect(() => names('SCHILY.xattr.user.a\0b')).toThrow('impossible name')
  })
})
