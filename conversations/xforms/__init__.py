"""An XLSForm and what its rules say, without a conversation. It knows no session, plan or chat."""
