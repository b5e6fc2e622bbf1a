"""An XLSForm and its rules, without a conversation. It knows no session, plan or chat."""
