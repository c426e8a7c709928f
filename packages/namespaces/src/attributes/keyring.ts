import {
  KEY_OTH_SEARCH,
  KEY_POS_ALL,
  KEY_USR_LINK,
  KEY_USR_READ,
  KEY_USR_SEARCH,
  KEY_USR_VIEW,
  KEYCTL_JOIN_SESSION_KEYRING,
  KEYCTL_SETPERM,
  type Program,
} from '@ctr/linux'

/** A session keyring that processes share by its name. */
export interface SessionKeyring {
  readonly name: string
  /** Others than its user may find it: processes of a user namespace that join do so as strangers. Default false. */
  readonly searchable?: boolean | undefined
}

/**
 * Leaves our session keyring for one with a name. The first process makes it, others with its rights come into the
 * same one.
 *
 * @see {@link https://man7.org/linux/man-pages/man7/session-keyring.7.html}
 */
export function joinSessionKeyring(program: Program, { name, searchable = false }: SessionKeyring): void {
  program.step('join the session keyring')
  // a kernel without keyrings has nothing to leave
  const tolerate = ['ENOSYS']
  const keyring = program.call('keyctl', [KEYCTL_JOIN_SESSION_KEYRING, name], { tolerate })
  const ofUser = KEY_USR_VIEW + KEY_USR_READ + KEY_USR_LINK
  const search = searchable ? KEY_OTH_SEARCH : KEY_USR_SEARCH
  program.call('keyctl', [KEYCTL_SETPERM, keyring, KEY_POS_ALL + ofUser + search], { tolerate })
}
