// Names and numbers of <linux/netfilter/nf_tables.h>, <linux/netfilter/nfnetlink.h> and <linux/netfilter.h>.
export const NFNL_SUBSYS_NFTABLES = 10
export const NFNL_MSG_BATCH_BEGIN = 16
export const NFNL_MSG_BATCH_END = 17

export const NFT_MSG_NEWTABLE = 0
export const NFT_MSG_GETTABLE = 1
export const NFT_MSG_DELTABLE = 2
export const NFT_MSG_NEWCHAIN = 3
export const NFT_MSG_GETCHAIN = 4
export const NFT_MSG_DELCHAIN = 5
export const NFT_MSG_NEWRULE = 6
export const NFT_MSG_GETRULE = 7
export const NFT_MSG_DELRULE = 8
export const NFT_MSG_NEWSET = 9
export const NFT_MSG_NEWSETELEM = 12
export const NFT_MSG_GETSETELEM = 13
export const NFT_MSG_DELSETELEM = 14

export const NFNLGRP_NFTABLES = 7

export const NFPROTO_UNSPEC = 0
export const NFPROTO_INET = 1
export const NFPROTO_IPV4 = 2
export const NFPROTO_BRIDGE = 7
export const NFPROTO_IPV6 = 10

export const NF_DROP = 0
export const NF_ACCEPT = 1
export const NFT_JUMP = -3
export const NFT_GOTO = -4

export const NF_INET_PRE_ROUTING = 0
export const NF_INET_LOCAL_IN = 1
export const NF_INET_FORWARD = 2
export const NF_INET_LOCAL_OUT = 3
export const NF_INET_POST_ROUTING = 4

export const NFTA_TABLE_NAME = 1
export const NFTA_TABLE_FLAGS = 2

export const NFTA_CHAIN_TABLE = 1
export const NFTA_CHAIN_NAME = 3
export const NFTA_CHAIN_HOOK = 4
export const NFTA_CHAIN_POLICY = 5
export const NFTA_CHAIN_TYPE = 7
export const NFTA_HOOK_HOOKNUM = 1
export const NFTA_HOOK_PRIORITY = 2

export const NFTA_RULE_TABLE = 1
export const NFTA_RULE_CHAIN = 2
export const NFTA_RULE_HANDLE = 3
export const NFTA_RULE_EXPRESSIONS = 4
export const NFTA_RULE_USERDATA = 7
export const NFTNL_UDATA_RULE_COMMENT = 0

export const NFTA_SET_TABLE = 1
export const NFTA_SET_NAME = 2
export const NFTA_SET_FLAGS = 3
export const NFTA_SET_KEY_TYPE = 4
export const NFTA_SET_KEY_LEN = 5
export const NFTA_SET_DATA_TYPE = 6
export const NFTA_SET_DATA_LEN = 7
export const NFTA_SET_ID = 10
export const NFTA_SET_USERDATA = 13
export const NFT_SET_INTERVAL = 4
export const NFT_SET_MAP = 8

export const NFTA_SET_ELEM_LIST_TABLE = 1
export const NFTA_SET_ELEM_LIST_SET = 2
export const NFTA_SET_ELEM_LIST_ELEMENTS = 3
export const NFTA_SET_ELEM_KEY = 1
export const NFTA_SET_ELEM_DATA = 2
export const NFTA_SET_ELEM_FLAGS = 3
export const NFT_SET_ELEM_INTERVAL_END = 1

export const NFTA_LIST_ELEM = 1
export const NFTA_DATA_VALUE = 1
export const NFTA_DATA_VERDICT = 2
export const NFTA_VERDICT_CODE = 1
export const NFTA_VERDICT_CHAIN = 2

export const NFTA_EXPR_NAME = 1
export const NFTA_EXPR_DATA = 2

export const NFT_META_PROTOCOL = 1
export const NFT_META_IIFNAME = 6
export const NFT_META_OIFNAME = 7
export const NFT_META_NFPROTO = 15
export const NFT_META_L4PROTO = 16
export const NFT_PAYLOAD_LL_HEADER = 0
export const NFT_PAYLOAD_NETWORK_HEADER = 1
export const NFT_PAYLOAD_TRANSPORT_HEADER = 2
export const NFT_CMP_EQ = 0
export const NFT_CMP_NEQ = 1
export const NFT_LOOKUP_F_INV = 1
export const NFT_CT_STATE = 0
export const NFT_CT_STATUS = 2
export const NFT_NAT_DNAT = 1
export const NFT_FIB_RESULT_ADDRTYPE = 3
export const NFTA_FIB_F_DADDR = 2
export const RTN_LOCAL = 2
