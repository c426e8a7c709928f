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

/** What {@link joinSessionKeyring} needs to know. */
export interface SessionKeyring {
  /** Id of the container, which names the keyring. */
  readonly id: string
  /** The process is in a user namespace: processes that join find the keyring as strangers then. */
  readonly userNamespace: boolean
}

/**
 * Stage 2, at its beginning: leaves the session keyring of whoever called the runtime for that of the container. The
 * first process makes it, others that join the container come into the same one. Not called for `--no-new-keyring`.
 *
 * @see {@link https://man7.org/linux/man-pages/man7/session-keyring.7.html}
 */
export function joinSessionKeyring(program: Program, { id, userNamespace }: SessionKeyring): void {
  program.step('join the session keyring')
  // a kernel without keyrings has nothing to leave
  const tolerate = ['ENOSYS']
  const keyring = program.call('keyctl', [KEYCTL_JOIN_SESSION_KEYRING, `_ses.${id}`], { tolerate })
  const ofUser = KEY_USR_VIEW + KEY_USR_READ + KEY_USR_LINK
  const search = userNamespace ? KEY_OTH_SEARCH : KEY_USR_SEARCH
  program.call('keyctl', [KEYCTL_SETPERM, keyring, KEY_POS_ALL + ofUser + search], { tolerate })
}
