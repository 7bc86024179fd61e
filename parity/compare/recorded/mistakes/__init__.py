def recognised(program, graph, subject, checks):
    return []
