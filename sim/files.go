package sim

// fileOf and keep are the Files API as generateContent sees it.
func (g *generation) fileOf(uri string) ([]byte, string, *refusal) {
	return nil, "", denied("You do not have permission to access the File " + uri + " or it may not exist.")
}

func (s *Server) keep(project, picture) string { return "" }
